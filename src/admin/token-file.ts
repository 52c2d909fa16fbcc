import { randomBytes } from 'node:crypto';
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import type { Config } from '../config/config.ts';
import { adminToken } from '../config/listen-schema.ts';
import { ConfigError } from '../config/problems.ts';

/** Its group may read it: a Prometheus that scrapes the admin plane runs as another user. */
const mode = 0o640;

/** The configuration with the token that `admin.tokenFile` has. Rejects with a `ConfigError`. */
export async function withAdminToken(config: Config): Promise<Config> {
  const { tokenFile } = config.admin;
  if (tokenFile === undefined) return config;
  return { ...config, admin: { ...config.admin, token: await readTokenFile(tokenFile) } };
}

/** Makes the file where there is none. Rejects with a `ConfigError` where that fails, or no token is in it. */
export async function readTokenFile(path: string): Promise<string> {
  const token = (await readOrMake(path)).trim();
  if (!adminToken.pattern.test(token)) throw problem(path, `expected ${adminToken.error} in it`);
  return token;
}

async function readOrMake(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8').catch(async (thrown) => {
      if (!hasCode(thrown, 'ENOENT')) throw thrown;
      await make(path);
      return readFile(path, 'utf8');
    });
  } catch (thrown) {
    throw problem(path, thrown instanceof Error ? thrown.message : String(thrown));
  }
}

/** Nobody sees a file with half a token; of two processes that make it at once, both get the first one's. */
async function make(path: string): Promise<void> {
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    await writeFile(draft, `${randomBytes(24).toString('base64url')}\n`, { mode, flag: 'wx' });
    await link(draft, path);
  } catch (thrown) {
    if (!hasCode(thrown, 'EEXIST')) throw thrown;
  } finally {
    await rm(draft, { force: true });
  }
}

function hasCode(thrown: unknown, code: string): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === code;
}

function problem(path: string, text: string): ConfigError {
  return new ConfigError([{ source: path, offset: -1, text: `the admin plane's token: ${text}` }]);
}
