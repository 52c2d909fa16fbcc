/** Something that the client must not have sent: told as an `error` event, and the session goes on. */
export class Mistake extends Error {
  readonly code: string;
  readonly param: string | null;

  constructor(code: string, message: string, param: string | null = null) {
    super(message);
    this.code = code;
    this.param = param;
  }
}

export function missing(param: string): Mistake {
  return new Mistake('missing_required_parameter', `Missing required parameter: '${param}'.`, param);
}

export function unsupported(param: string, value: unknown, supported: readonly string[]): Mistake {
  const message = `Invalid value: '${String(value)}'. Supported values are: ${supported.map((one) => `'${one}'`).join(', ')}.`;
  return new Mistake('invalid_value', message, param);
}
