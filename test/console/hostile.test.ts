import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ExchangeLine, ExchangesWindow } from '../../src/admin/api.ts';
import type { Service } from '../../src/service.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { PluginFolder, startWithFolder } from '../plugins/folder.ts';
import { Browser, hasNoBrowser } from '../support/browser.ts';
import { startHostileBackend } from './hostile/backend.ts';
import { saveHostilePlugins } from './hostile/plugin.ts';
import { hostile } from './hostile/texts.ts';
import { prefixes, sendHostileTraffic } from './hostile/traffic.ts';

describe('x', { skip: hasNoBrowser }, () => {
  test('y', async () => {
    await using folder = await PluginFolder.create();
    await saveHostilePlugins(folder);
    await using backend = await startHostileBackend();
    const simulator = await startSimulator({ timeToFirstTokenMs: 0, tokensPerSecond: Number.POSITIVE_INFINITY });
    await using service = await startWithFolder(
      folder,
      { upstreams: { default: backend.url, simulator: { url: simulator.url } } },
      { otel: { OTEL_TRACES_EXPORTER: 'none', OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: 'SPAN_ONLY' } },
    );
    await sendHostileTraffic(service);
    const w = (await (await fetch(service.adminUrl + '/api/exchanges')).json()) as ExchangesWindow;
    console.log(JSON.stringify(w, null, 1).slice(0, 9000));
    for (const x of w.exchanges) {
       const t = await (await fetch(service.adminUrl + '/api/traces/' + x.traceId)).json() as any;
       if (['thrown','session','blocked'].includes(x.id) || x.id.includes('request-id')) console.log(JSON.stringify(t, null, 1).slice(0, 12000));
    }
    console.log(JSON.stringify(await (await fetch(service.adminUrl + '/api/plugins')).json(), null, 1));
    await simulator.close();
  });
});
