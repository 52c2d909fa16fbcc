import { useEffect, useRef, useState } from 'preact/hooks';
import type { PluginView } from '../../../admin/api/plugins.ts';
import { Confirm } from '../parts/confirm.tsx';
import { counted } from '../parts/format.ts';
import { Notice } from '../parts/notice.tsx';
import { PluginLinks } from './plugin-link.tsx';
import { nameOf } from './plugin-name.ts';
import { type Call, useCall } from './use-call.ts';

export interface PluginActionsProps {
  readonly plugin: PluginView;
  /** Something was done, or refused: there is news. */
  readonly onDone: () => void;
}

export interface PluginControl {
  readonly call: Call;
  readonly verb: 'reload' | 'unload';
  run(verb: 'reload' | 'unload'): Promise<boolean>;
}

/** What one can do with a plugin, and how the last of it went. */
export function usePluginControl({ plugin, onDone }: PluginActionsProps): PluginControl {
  const call = useCall();
  const [verb, setVerb] = useState<PluginControl['verb']>('reload');
  // What was refused before its newest change may not be now.
  useEffect(call.forget, [plugin.loadedAt, plugin.dependents?.join()]);
  return {
    call,
    verb,
    async run(verb) {
      setVerb(verb);
      const answer = await call.run(`/api/plugins/${encodeURIComponent(nameOf(plugin))}/${verb}`);
      onDone();
      return answer !== undefined;
    },
  };
}

/** Reload, and unload after a question. */
export function PluginActions({ plugin, control }: { plugin: PluginView; control: PluginControl }) {
  const { call, verb, run } = control;
  const [isAsking, setAsking] = useState(false);
  const first = useRef<HTMLButtonElement>(null);
  const name = nameOf(plugin);
  const isActive = plugin.state === 'active';
  const unload = async () => {
    setAsking(false);
    // Its button goes with it.
    if (await run('unload')) first.current?.focus();
  };
  return (
    <div class="plugin-actions">
      <button
        ref={first}
        type="button"
        class="button"
        aria-disabled={call.isBusy}
        onClick={() => void run('reload')}
      >
        {call.isBusy && verb === 'reload' ? 'Loading…' : reloadLabel(plugin)}
        <span class="visually-hidden"> {name}</span>
      </button>
      {isActive && (
        <button
          type="button"
          class="button quiet"
          aria-disabled={call.isBusy}
          onClick={() => !call.isBusy && setAsking(true)}
        >
          {call.isBusy && verb === 'unload' ? 'Unloading…' : 'Unload'}
          <span class="visually-hidden"> {name}</span>
        </button>
      )}
      <Confirm
        open={isAsking}
        title={`Unload ${name}?`}
        confirmLabel={`Unload ${name}`}
        onConfirm={() => void unload()}
        onCancel={() => setAsking(false)}
      >
        <UnloadQuestion plugin={plugin} />
      </Confirm>
    </div>
  );
}

/** What the last call was refused with, and the ways out. */
export function Refusal({ plugin, control }: { plugin: PluginView; control: PluginControl }) {
  const { error, forget } = control.call;
  const notice = useRef<HTMLDivElement>(null);
  useEffect(() => notice.current?.scrollIntoView({ block: 'nearest' }), [error]);
  if (!error) return null;
  // The reason itself stands in the card.
  if (error.code === 'plugin_rejected' && plugin.rejected)
    return (
      <p class="plugin-news plugin-news-rejected" role="status">
        Tried again: still rejected.
      </p>
    );
  const neededBy = error.code === 'plugin_needed' ? (plugin.dependents ?? []) : [];
  return (
    <div ref={notice}>
      <Notice
        kind="error"
        title={`Not ${control.verb === 'unload' ? 'unloaded' : 'loaded'}`}
        actions={
          <button type="button" class="button" onClick={forget}>
            Dismiss
          </button>
        }
      >
        {error.message}
        {neededBy.length > 0 && (
          <>
            {' '}
            Unload first: <PluginLinks names={neededBy} />.
          </>
        )}
      </Notice>
    </div>
  );
}

function UnloadQuestion({ plugin }: { readonly plugin: PluginView }) {
  const { dependents = [], middleware = [], hooks = [], messageTypes = [] } = plugin;
  const brought = [
    middleware.length > 0 && `middleware ${middleware.map((one) => one.name).join(', ')}`,
    hooks.length > 0 && counted(hooks.length, 'hook'),
    messageTypes.length > 0 && `message types ${messageTypes.map(({ type }) => type).join(', ')}`,
  ].filter((part) => part !== false);
  return (
    <>
      {dependents.length > 0 && (
        <p>
          <strong>{dependents.join(', ')}</strong> {dependents.length === 1 ? 'needs' : 'need'} it: Sightline
          will refuse as long as that is so.
        </p>
      )}
      <p>
        Exchanges that begin afterwards go without it
        {brought.length > 0 && <>: without {brought.join('; ')}</>}. Those under way end with it. Its file
        stays; saving it, or “Load again”, brings it back.
      </p>
    </>
  );
}

function reloadLabel({ state, rejected }: PluginView): string {
  if (rejected) return 'Try again';
  return state === 'active' || state === 'loading' || state === 'discovered' ? 'Reload' : 'Load again';
}
