// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is the syntax of the file
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { tenant } from '../../grafana/src/parts/promql.ts';
import { credentialsOf, tenants } from '../../src/demo/tenants.ts';
import { waitFor } from '../support/wait-for.ts';
import { mountsOf, parseCompose, read, root } from './compose-file.ts';
import { SightlineProcess } from './sightline-process.ts';

const { services } = parseCompose(read('docker-compose.yml'));

describe('the configuration of Sightline in the stack', () => {
  const mount = mountsOf(services.sightline ?? {}).find(({ target }) => target === '/app/sightline.yaml');

  it('is a file of the repository, where SIGHTLINE_CONFIG names no other', () => {
    assert.deepEqual(mount, {
      source: './otel/sightline.yml',
      target: '/app/sightline.yaml',
      isReadOnly: true,
      isMade: false,
    });
    const own = read('docker-compose.yml').replace('${SIGHTLINE_CONFIG:-./otel/sightline.yml}', './own.yaml');
    const mounts = mountsOf(parseCompose(own).services.sightline ?? {});
    assert.ok(mounts.some(({ source, target }) => source === './own.yaml' && target === mount?.target));
  });

  it('tells the tenants of the demo apart, in streams too, beside the plugins that the stack has', async () => {
    await using sightline = await SightlineProcess.start({
      config: parse(read(mount?.source ?? '')),
      env: { SIGHTLINE_PLUGINS: join(root, 'plugins') },
    });
    for (const [index, one] of tenants.entries()) {
      const reply = await fetch(`${sightline.dataUrl}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...credentialsOf(one) },
        body: JSON.stringify({
          model: 'sim-tokens-2',
          stream: index > 0,
          messages: [{ role: 'user', content: 'Hi' }],
        }),
      });
      assert.equal(reply.status, 200);
      // Whether streams have a usage at all is asked for behind the client's back.
      assert.doesNotMatch(await reply.text(), index > 0 ? /"usage"/ : /^$/);
    }
    const pattern = new RegExp(`^gen_ai_client_token_usage_count\\{.*"output".*${tenant}="([^"]+)"`, 'gm');
    const named = await waitFor('the tokens of each', async () => {
      const found = [...(await sightline.metrics()).matchAll(pattern)].map(([, name]) => name);
      return found.length < tenants.length ? undefined : found;
    });
    assert.deepEqual(named.toSorted(), tenants.map(({ name }) => name).toSorted());
  });
});
