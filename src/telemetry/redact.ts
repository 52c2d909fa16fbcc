/** In the place of what may be a key. */
const redacted = 'REDACTED';

/** A prefix that services give their keys, JSON Web Tokens, and the long runs with digits that all others have. */
const keys =
  /\b(?:sk|pk|rk|ek|xai|gsk|hf|ghp)[-_][\w-]{4,}|\beyJ[\w.-]{8,}|(?=[a-z+/]*\d)[a-z\d+/]{20,}={0,2}/gi;

/** Names of subprotocols are short, and have these words only where a key comes with them. */
const keyNames = /key|token|secret|bearer|auth|passw|^.{65,}$/i;

/**
 * Browsers cannot send headers with an upgrade, so some APIs take keys among the subprotocols, as
 * `openai-insecure-api-key.sk-…`, and a server may agree on anything that it was offered.
 */
export function safeSubprotocol(agreed: string): string {
  return keyNames.test(agreed) || agreed.search(keys) >= 0 ? redacted : agreed;
}

/** A control frame has no room for more (RFC 6455 §5.5). */
const reasonCharsMax = 123;

/** What a peer tells in its own words, with all that looks like a key taken out. */
export function safeReason(reason: string): string {
  return reason.slice(0, reasonCharsMax).replace(keys, redacted);
}

/** As `keys`, but a slash ends a run: what we say ourselves names paths, which are as long. */
const keysBetweenSlashes =
  /\b(?:sk|pk|rk|ek|xai|gsk|hf|ghp)[-_][\w-]{4,}|\beyJ[\w.-]{8,}|(?=[a-z+]*\d)[a-z\d+]{20,}={0,2}/gi;

/** What an error of ours tells, which may quote a client or an upstream. */
export function safeMessage(message: string): string {
  return message.replace(keysBetweenSlashes, redacted);
}
