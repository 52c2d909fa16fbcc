import { SightlineError } from '../errors.ts';

/**
 * `..` as a path segment, in every spelling that some server takes for one: percent-encoded, between
 * backslashes or encoded slashes, with a path parameter.
 */
const climbs = /(?:^|\/|\\|%2f|%5c)(?:\.|%2e){2}(?:$|\/|\\|%2f|%5c|;|%3b|#)/i;

/**
 * Path and query string of a request target. The authority of an absolute one (RFC 9112 §3.2.2) is dropped:
 * where a request goes, only the configuration says.
 */
export function originForm(target: string): { target: string; path: string } {
  const form = /^https?:\/\/[^/?#]*/i.exec(target);
  let rest = form ? target.slice(form[0].length) : target;
  if (form && !rest.startsWith('/')) rest = `/${rest}`;
  const question = rest.indexOf('?');
  const path = question === -1 ? rest : rest.slice(0, question);
  return { target: rest, path };
}

/** Throws `bad_request_target` where a target could leave the upstream's own path, or is none. */
export function checkTarget(path: string): void {
  if (!path.startsWith('/')) {
    throw new SightlineError('bad_request_target', {
      message: 'The request target must be a path that begins with a slash.',
    });
  }
  if (climbs.test(path)) {
    throw new SightlineError('bad_request_target', {
      message: "The request target must not contain '..' as a path segment.",
    });
  }
}
