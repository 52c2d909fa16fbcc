import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** A file of the repository, by its path there. */
export function read(path: string): string {
  return readFileSync(`${root}/${path}`, 'utf8');
}

type Names = readonly string[] | Readonly<Record<string, unknown>>;

interface LongMount {
  readonly source: string;
  readonly target: string;
  readonly read_only?: boolean;
  readonly bind?: { readonly create_host_path?: boolean };
}

export interface ComposeService {
  readonly image?: string;
  readonly build?: unknown;
  readonly profiles?: readonly string[];
  readonly command?: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly (string | LongMount)[];
  readonly group_add?: readonly string[];
  readonly ports?: readonly string[];
  readonly healthcheck?: { readonly test?: readonly string[]; readonly disable?: boolean };
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly networks?: Names;
  readonly secrets?: readonly (string | { readonly source: string })[];
  readonly configs?: readonly (string | { readonly source: string })[];
  readonly restart?: string;
  readonly read_only?: boolean;
  readonly privileged?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly logging?: { readonly options?: Readonly<Record<string, string>> };
  readonly cpus?: number;
  readonly mem_limit?: string;
  readonly pids_limit?: number;
}

export interface ComposeFile {
  readonly text: string;
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly volumes?: Readonly<Record<string, unknown>>;
  readonly networks?: Readonly<Record<string, unknown>>;
  readonly secrets?: Readonly<Record<string, unknown>>;
  readonly configs?: Readonly<Record<string, unknown>>;
}

/** With anchors and merge keys resolved; variables are left as they are. */
export function parseCompose(text: string): ComposeFile {
  return { text, ...parse(text, { merge: true }) };
}

export interface Mount {
  /** A path that begins with `.` or `/`, or the name of a volume. */
  readonly source: string;
  readonly target: string;
  readonly isReadOnly: boolean;
  /** Of a file that is not there Docker makes a folder, unless it is told not to. */
  readonly isMade: boolean;
}

export function mountsOf({ volumes = [] }: ComposeService): Mount[] {
  return volumes.map((volume) => {
    if (typeof volume !== 'string') {
      const { source, target, read_only: isReadOnly = false, bind } = volume;
      return { source: withDefaults(source), target, isReadOnly, isMade: bind?.create_host_path !== false };
    }
    const [source = '', target = '', mode = ''] = withDefaults(volume).split(':');
    return { source, target, isReadOnly: mode.split(',').includes('ro'), isMade: true };
  });
}

/** As it is where none of its variables is set. */
function withDefaults(text: string): string {
  return text.replace(/\$\{\w+:?-([^}]*)\}/g, '$1');
}

export function isPath(source: string): boolean {
  return /^[./~]/.test(source);
}

export interface PublishedPort {
  readonly host: string;
  readonly published: string;
  readonly target: string;
}

export function portsOf({ ports = [] }: ComposeService): PublishedPort[] {
  return ports.map((port) => {
    const [, host = '', published = '', target = ''] = /^(?:(.*):)?(\d+):(\d+)$/.exec(port) ?? [];
    return { host, published, target };
  });
}
