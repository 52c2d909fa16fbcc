import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type ComposeFile, type ComposeService, isPath, mountsOf, portsOf, root } from './compose-file.ts';
import { referenceProblems } from './references.ts';

/*
 * What the schema of compose files does not see. Each check gives what is wrong, in words; nothing where all
 * is well.
 */

type Check = (file: ComposeFile) => string[];

/** A check of one service at a time. */
function each(check: (service: ComposeService, file: ComposeFile) => readonly string[]): Check {
  return (file) =>
    Object.entries(file.services).flatMap(([name, service]) =>
      check(service, file).map((text) => `${name}: ${text}`),
    );
}

const kinds = ['volumes', 'networks', 'secrets', 'configs'] as const;

/** What of the file's own a service names, by kind. */
function usedBy(service: ComposeService): Record<(typeof kinds)[number], string[]> {
  const sources = (list: ComposeService['secrets']) =>
    (list ?? []).map((one) => (typeof one === 'string' ? one : one.source));
  const { networks = [] } = service;
  return {
    volumes: mountsOf(service)
      .map(({ source }) => source)
      .filter((source) => !isPath(source)),
    networks: Array.isArray(networks) ? [...networks] : Object.keys(networks),
    secrets: sources(service.secrets),
    configs: sources(service.configs),
  };
}

const references: Check = (file) => {
  const uses = Object.values(file.services).map(usedBy);
  return kinds.flatMap((kind) =>
    referenceProblems(
      kind,
      uses.flatMap((one) => one[kind]),
      Object.keys(file[kind] ?? {}),
    ),
  );
};

const dependencies = each(({ depends_on = {}, profiles = [] }, { services }) =>
  Object.entries(depends_on).flatMap(([name, { condition }]) => {
    const other = services[name];
    if (!other) return [`depends on '${name}', which is no service`];
    const isThere = other.profiles === undefined || other.profiles.some((one) => profiles.includes(one));
    if (!isThere) return [`depends on '${name}', which its profiles leave out`];
    const isAsked = other.build !== undefined || other.healthcheck?.test !== undefined;
    if (condition === 'service_healthy' && (!isAsked || other.healthcheck?.disable)) {
      return [`waits for the health of '${name}', which nobody checks`];
    }
    return [];
  }),
);

const paths = each((service) =>
  mountsOf(service).flatMap(({ source, target, isReadOnly }) => {
    if (!isPath(source)) return [];
    const isThere = existsSync(join(root, source));
    return [
      ...(source.startsWith('./') ? [] : [`${source} is outside of the repository`]),
      ...(isThere ? [] : [`${source} does not exist`]),
      ...(isReadOnly ? [] : [`may write to ${source} at ${target}`]),
    ];
  }),
);

/** What somebody names may be misspelt. */
const chosen = each(({ volumes = [], ...service }) =>
  volumes
    .filter((volume) => (typeof volume === 'string' ? volume : volume.source).includes('${'))
    .flatMap((volume) => mountsOf({ ...service, volumes: [volume] }))
    .filter(({ isMade }) => isMade)
    .map(({ target }) => `would get a folder at ${target} where the file that was chosen is missing`),
);

const variables: Check = ({ text }) =>
  text
    .split('\n')
    .filter((line) => !line.trimStart().startsWith('#'))
    .flatMap((line) => [...line.matchAll(/(?<!\$)\$(?:\{(\w+)([^}]*)\}|(\w+))/g)])
    .filter(([, , rest = '']) => !/^:?-/.test(rest))
    .map(([variable]) => `${variable} has no default`);

const ports: Check = (file) => {
  const all = Object.entries(file.services).flatMap(([service, one]) =>
    portsOf(one).map((port) => ({ service, ...port })),
  );
  const seen = new Map<string, string>();
  return all.flatMap(({ service, host, published }) => {
    const taken = seen.get(published);
    seen.set(published, service);
    return [
      ...(host === '127.0.0.1' ? [] : [`${service}: port ${published} is published beyond loopback`]),
      ...(taken === undefined ? [] : [`${service}: port ${published} is published by ${taken} too`]),
    ];
  });
};

const images = each(({ image, build }) => {
  if (image === undefined) return build === undefined ? ['has no image'] : [];
  return /:v?\d+\.\d+\.\d+$/.test(image) ? [] : [`${image} is not pinned to a version`];
});

/** Those of our own image have its health check. */
const health = each(({ healthcheck, build }) => {
  if (healthcheck === undefined) return build === undefined ? ['has no health check'] : [];
  return [];
});

const hardening = each((service) => {
  const isSocket = mountsOf(service).some(({ source }) => source.endsWith('docker.sock'));
  const wanted = {
    'may write to its own files': service.read_only === true,
    'keeps capabilities': service.cap_drop?.includes('ALL') === true,
    'may gain privileges': service.security_opt?.includes('no-new-privileges:true') === true,
    'is privileged': service.privileged !== true && !isSocket,
    'has no restart policy': service.restart !== undefined,
    'has a log without bound':
      service.logging?.options?.['max-size'] !== undefined &&
      service.logging.options['max-file'] !== undefined,
    'has no limit of memory': service.mem_limit !== undefined,
    'has no limit of CPUs': service.cpus !== undefined,
    'has no limit of processes': service.pids_limit !== undefined,
  };
  return Object.entries(wanted).flatMap(([text, isFine]) => (isFine ? [] : [text]));
});

const composeChecks: Readonly<Record<string, Check>> = {
  references,
  dependencies,
  paths,
  chosen,
  variables,
  ports,
  images,
  health,
  hardening,
};

/** What all of them find. */
export function composeProblems(file: ComposeFile): string[] {
  return Object.values(composeChecks).flatMap((check) => check(file));
}
