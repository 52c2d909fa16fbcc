import { useId, useState } from 'preact/hooks';
import type { ExchangeValues } from '../../../admin/api/exchanges.ts';
import { info } from '../state/info.ts';
import { useData } from '../state/use-data.ts';
import { type Api, apis, isApiName, pathOf, simulatedModels } from './apis.ts';
import { parseBody } from './body.ts';
import { bodyText, type Credential, type FormState, withApi } from './form-state.ts';

export interface TryFormProps {
  readonly state: FormState;
  readonly onChange: (state: FormState) => void;
  readonly credential: Credential;
  readonly onCredential: (credential: Credential) => void;
  readonly isRunning: boolean;
  readonly onSend: () => void;
  readonly onStop: () => void;
}

/** What to ask, and whom. */
export function TryForm(props: TryFormProps) {
  const { state, onChange, isRunning, onSend, onStop } = props;
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
    event.preventDefault();
    if (!isRunning) onSend();
  };
  return (
    <form
      class="card try-form"
      aria-label="Query"
      onSubmit={(event) => event.preventDefault()}
      onKeyDown={onKeyDown}
    >
      <Target state={state} onChange={onChange} />
      {state.json === undefined ? (
        <Fields state={state} onChange={onChange} />
      ) : (
        <JsonField json={state.json} onChange={(json) => onChange({ ...state, json })} />
      )}
      <CredentialFields {...props} />
      <div class="try-actions">
        {/* One button, so that it keeps the focus; of type button, for it changes what it is while it is clicked. */}
        <button
          type="button"
          class={isRunning ? 'button try-send' : 'button primary try-send'}
          title={isRunning ? undefined : 'Ctrl+Enter, or ⌘+Enter'}
          onClick={isRunning ? onStop : onSend}
        >
          {isRunning ? 'Stop' : 'Send'}
        </button>
        <button
          type="button"
          class="button quiet"
          onClick={() => onChange({ ...state, json: state.json === undefined ? bodyText(state) : undefined })}
        >
          {state.json === undefined ? 'Edit as JSON' : 'Back to the fields'}
        </button>
      </div>
    </form>
  );
}

interface PartProps {
  readonly state: FormState;
  readonly onChange: (state: FormState) => void;
}

function Target({ state, onChange }: PartProps) {
  const { upstreams = [] } = info.value ?? {};
  return (
    <>
      <Choice
        name="API"
        value={state.api}
        options={Object.entries(apis).map(([value, { name }]) => ({ value, name }))}
        onChange={(value) => isApiName(value) && onChange(withApi(state, value))}
      />
      {upstreams.length > 1 && (
        <Choice
          name="Upstream"
          value={state.prefix}
          options={upstreams.map(({ name, prefix }) => ({ value: prefix, name: `${name} (${prefix})` }))}
          onChange={(prefix) => onChange({ ...state, prefix })}
        />
      )}
      <p class="try-path mono">POST {pathOf(state.api, state.prefix)}</p>
    </>
  );
}

interface ChoiceProps {
  readonly name: string;
  readonly value: string;
  readonly options: readonly { readonly value: string; readonly name: string }[];
  readonly onChange: (value: string) => void;
}

function Choice({ name, value, options, onChange }: ChoiceProps) {
  const id = useId();
  return (
    <div class="try-field">
      <label for={id}>{name}</label>
      <select
        id={id}
        class="field"
        value={value}
        onChange={({ currentTarget }) => onChange(currentTarget.value)}
      >
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.name}
          </option>
        ))}
      </select>
    </div>
  );
}

function Fields({ state, onChange }: PartProps) {
  const id = useId();
  const { canStream }: Api = apis[state.api];
  return (
    <>
      <ModelField state={state} onChange={onChange} />
      <div class="try-field">
        <label for={`${id}-prompt`}>{state.api === 'embeddings' ? 'Text' : 'Prompt'}</label>
        <textarea
          id={`${id}-prompt`}
          class="field"
          rows={4}
          dir="auto"
          value={state.prompt}
          onInput={({ currentTarget: { value } }) => onChange({ ...state, prompt: value })}
        />
      </div>
      {canStream && (
        <label class="try-check">
          <input
            type="checkbox"
            checked={state.isStream}
            onChange={({ currentTarget: { checked } }) => onChange({ ...state, isStream: checked })}
          />
          Stream the answer
        </label>
      )}
    </>
  );
}

function ModelField({ state, onChange }: PartProps) {
  const id = useId();
  const isSimulator = info.value?.isSimulator ?? false;
  const { data } = useData<ExchangeValues>(isSimulator ? undefined : '/api/exchanges/values');
  const seen = data?.models.slice(0, 20).map(({ value }) => value) ?? [];
  return (
    <div class="try-field">
      <label for={id}>Model</label>
      <input
        id={id}
        class="field"
        list={`${id}-models`}
        autocomplete="off"
        autocapitalize="none"
        spellcheck={false}
        value={state.model}
        onInput={({ currentTarget: { value } }) => onChange({ ...state, model: value })}
      />
      <datalist id={`${id}-models`}>
        {[...new Set([apis[state.api].model, ...seen])].map((model) => (
          <option key={model} value={model} />
        ))}
      </datalist>
      {isSimulator && state.api !== 'embeddings' && (
        <fieldset class="try-models">
          <legend>The simulator answers. Let it be a model that …</legend>
          {simulatedModels.map(({ model, effect }) => (
            <button
              key={model}
              type="button"
              class="chip"
              title={model}
              aria-pressed={state.model === model}
              onClick={() => onChange({ ...state, model })}
            >
              {effect}
            </button>
          ))}
        </fieldset>
      )}
    </div>
  );
}

function JsonField({ json, onChange }: { readonly json: string; readonly onChange: (json: string) => void }) {
  const id = useId();
  const { problem } = parseBody(json);
  return (
    <div class="try-field">
      <label for={id}>Body</label>
      <textarea
        id={id}
        class="field mono"
        rows={14}
        spellcheck={false}
        value={json}
        aria-invalid={problem !== undefined}
        aria-describedby={problem === undefined ? undefined : `${id}-problem`}
        onInput={({ currentTarget: { value } }) => onChange(value)}
      />
      {problem !== undefined && (
        <p id={`${id}-problem`} class="try-problem">
          {problem}
        </p>
      )}
    </div>
  );
}

function CredentialFields({ credential, onCredential }: TryFormProps) {
  const id = useId();
  const [isOpen, setOpen] = useState(credential.key !== '');
  return (
    <details class="try-key" open={isOpen} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>API key for the upstream{credential.key !== '' && ' (set)'}</summary>
      <div class="try-field">
        <label for={id}>Key</label>
        <input
          id={id}
          type="password"
          class="field"
          autocomplete="off"
          value={credential.key}
          onInput={({ currentTarget: { value } }) => onCredential({ ...credential, key: value })}
        />
        <p class="muted">
          Goes to the upstream, is in no trace, and is forgotten when this page closes, or you sign out.
        </p>
      </div>
      <label class="try-check">
        <input
          type="checkbox"
          checked={!credential.isBearer}
          onChange={({ currentTarget: { checked } }) => onCredential({ ...credential, isBearer: !checked })}
        />
        As <code>x-api-key</code> in place of <code>authorization: Bearer</code>
      </label>
    </details>
  );
}
