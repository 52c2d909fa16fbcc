import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PluginView } from '../../../src/admin/api/plugins.ts';
import { describeNews, newsBetween } from '../../../src/console/page/plugins/news.ts';
import { brokenView, pluginsView, pluginView } from './views.ts';

const later = '2026-11-23T11:05:00.000Z';

function told(before: readonly PluginView[], after: readonly PluginView[]): string[] {
  return newsBetween(pluginsView(...before), pluginsView(...after)).map(
    (news) => `${news.name} ${describeNews(news)}`,
  );
}

describe('news of the plugins', () => {
  it('tells nothing where nothing has happened', () => {
    const view = [pluginView('hello'), brokenView('other')];
    assert.deepEqual(told(view, structuredClone(view)), []);
  });

  it('tells of a reload, from which version to which', () => {
    const after = pluginView('hello', { version: '1.1.0', loadedAt: later });
    assert.deepEqual(told([pluginView('hello')], [after]), ['hello reloaded: 1.0.0 → 1.1.0']);
  });

  it('tells of a reload of the same version', () => {
    const after = pluginView('hello', { loadedAt: later });
    assert.deepEqual(told([pluginView('hello')], [after]), ['hello reloaded: 1.0.0']);
  });

  it('tells of a new file, and of one that is gone', () => {
    assert.deepEqual(told([pluginView('hello')], [pluginView('other')]), [
      'other loaded: 1.0.0',
      'hello file is gone, and the plugin with it: 1.0.0',
    ]);
  });

  it('tells of a plugin that was unloaded, and loaded again', () => {
    const { loadedAt: _, ...unloaded } = pluginView('hello', { state: 'unloaded' });
    assert.deepEqual(told([pluginView('hello')], [unloaded]), ['hello unloaded: 1.0.0']);
    assert.deepEqual(told([unloaded], [pluginView('hello')]), ['hello loaded: 1.0.0']);
  });

  it('tells of a version that is rejected, by the name of its file where it has told none', () => {
    assert.deepEqual(told([], [brokenView('hello')]), ['hello new version rejected']);
    const { rejected } = brokenView('hello', { version: '1.1.0' });
    const after = pluginView('hello', rejected && { rejected });
    assert.deepEqual(told([pluginView('hello')], [after]), ['hello new version rejected: 1.1.0']);
  });

  it('tells a problem that is the same again from a new one', () => {
    const before = [brokenView('hello')];
    assert.deepEqual(told(before, [brokenView('hello', { at: later })]), ['hello still rejected']);
    assert.deepEqual(told(before, [brokenView('hello', { at: later, message: 'Unexpected "}"' })]), [
      'hello new version rejected',
    ]);
  });

  it('tells of a file that was taken back to the active version', () => {
    const { rejected } = brokenView('hello');
    const before = pluginView('hello', rejected && { rejected });
    assert.deepEqual(told([before], [pluginView('hello')]), [
      'hello file is as the active version again: 1.0.0',
    ]);
  });
});
