import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startService } from '../support/service.ts';

describe('the page of the console', () => {
  it('is what a browser gets at the admin address', async () => {
    await using service = await startService();
    const reply = await fetch(service.adminUrl, { headers: { accept: 'text/html' } });
    assert.match(reply.headers.get('content-type') ?? '', /^text\/html/);
    assert.match(await reply.text(), /<title>Sightline<\/title>/);
  });
});
