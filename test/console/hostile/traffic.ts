import { once } from 'node:events';
import http from 'node:http';
import type { Service } from '../../../src/service.ts';
import { openRealtime } from '../../simulator/realtime-client.ts';
import { Endings } from '../../support/endings.ts';
import { refusedModel } from './backend.ts';
import { header } from './plugin.ts';
import { hostile, hostileWord, inherited, longName, strange } from './texts.ts';

/** Upstreams that the service has to have, by name. */
const prefixes = { simulator: '/simulator' } as const;

interface Asked {
  readonly model?: string;
  readonly tenant?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sends what clients might send who mean harm to whoever looks at it. Resolves when all of it has ended. */
export async function sendHostileTraffic(service: Service): Promise<void> {
  const endings = new Endings(service);
  const ask = async (id: string, { model, tenant, path = '/v1/chat/completions', headers = {} }: Asked) => {
    const { hostname, port } = new URL(service.dataUrl);
    const [response] = await once(
      http
        // Not as an URL, which would encode it.
        .request({
          hostname,
          port,
          path,
          method: 'POST',
          agent: false,
          headers: {
            'content-type': 'application/json',
            'x-request-id': id,
            'user-agent': hostile('agent'),
            ...(tenant !== undefined && { [header.tenant]: encodeURIComponent(JSON.stringify(tenant)) }),
            ...headers,
          },
        })
        .end(JSON.stringify(queryFor(model ?? hostile('model')))),
      'response',
    );
    await response.resume().toArray();
    await endings.of(id);
  };
  await ask(hostileWord('request-id'), { tenant: hostile('tenant') });
  await ask('refused', { model: refusedModel });
  await ask('thrown', { headers: { [header.throws]: '1' } });
  await ask('blocked', { headers: { [header.blocks]: '1' } });
  await ask('path', { path: `/v1/${hostileWord('path')}?${hostileWord('query')}` });
  await ask('strange', { model: `strange ${strange}`, tenant: strange });
  await ask('long', { model: longName(200), tenant: longName(200) });
  await ask('longer', { model: longName(5_000), tenant: longName(5_000), path: `/v1/${longName(5_000)}` });
  for (const name of inherited) await ask(name, { model: name, tenant: name });
  await talk(service);
  await endings.of('session');
}

function queryFor(model: string) {
  const call = { name: hostile('tool before'), arguments: JSON.stringify({ a: hostile('before') }) };
  const parameters = { type: 'object', properties: { [hostile('parameter')]: { type: 'string' } } };
  const tools = [hostile('tool'), ...inherited].map((name) => ({ name, description: hostile('described') }));
  return {
    model,
    stream: true,
    tools: tools.map((tool) => ({ type: 'function', function: { ...tool, parameters } })),
    stop: [hostile('stop')],
    messages: [
      { role: 'system', content: hostile('system') },
      { role: 'user', content: hostile('prompt') },
      { role: 'assistant', content: null, tool_calls: [{ id: 'c', type: 'function', function: call }] },
      { role: 'tool', tool_call_id: 'c', content: hostile('result') },
      { role: hostileWord('role'), content: strange },
    ],
  };
}

/** A session with one turn. */
async function talk({ dataUrl }: Service): Promise<void> {
  const model = encodeURIComponent(hostile('session model'));
  const client = await openRealtime(dataUrl + prefixes.simulator, model, { 'x-request-id': 'session' });
  const said = [{ type: 'input_text', text: hostile('said') }];
  const response = {
    instructions: hostile('instructions'),
    output_modalities: ['text'],
    input: [{ type: 'message', role: 'user', content: said }],
  };
  client.send({ type: 'response.create', response });
  await client.next('response.done');
  client.socket.close(4_000, hostileWord('goodbye'));
  await client.closed;
}
