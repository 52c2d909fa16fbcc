import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { mountsOf, parseCompose, read } from './compose-file.ts';
import { fileProblems, variableProblems } from './grafana-settings.ts';

const { grafana } = parseCompose(read('docker-compose.yml')).services;
const environment = grafana?.environment ?? {};
const file = read('grafana/grafana.ini');

describe('the settings of Grafana in the stack', () => {
  it('are settings that it has', () => {
    assert.ok(Object.keys(environment).length > 0);
    assert.deepEqual(variableProblems(environment), []);
    assert.deepEqual(fileProblems(file), []);
  });

  it('would not be, misspelt', () => {
    const { GF_AUTH_ANONYMOUS_ENABLED: value = '', ...rest } = environment;
    assert.equal(value, 'true');
    assert.deepEqual(variableProblems({ ...rest, GF_AUTH_ANONYMUS_ENABLED: value }), [
      'GF_AUTH_ANONYMUS_ENABLED is no setting of Grafana',
    ]);
    assert.deepEqual(fileProblems(file.replace('viewers_can_edit', 'viewers_may_edit')), [
      '[users] viewers_may_edit is no setting of Grafana',
    ]);
    assert.deepEqual(fileProblems(file.replace('[users]', '[user]')), [
      '[user] viewers_can_edit is no setting of Grafana',
    ]);
  });

  it('let everybody look, and nobody log in', () => {
    assert.equal(environment.GF_AUTH_ANONYMOUS_ORG_ROLE, 'Viewer');
    assert.equal(environment.GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION, 'true');
    assert.match(file, /^viewers_can_edit = true$/m);
    assert.ok(mountsOf(grafana ?? {}).some(({ target }) => target === '/etc/grafana/grafana.ini'));
  });

  it('leave the plugins of the image alone, which are read-only', () => {
    assert.equal(environment.GF_PLUGINS_PREINSTALL_DISABLED, 'true');
    assert.doesNotMatch(grafana?.image ?? '', /-slim$/);
  });
});
