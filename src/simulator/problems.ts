/** An error, before an API gives it its shape. */
export interface Problem {
  readonly status: number;
  readonly message: string;
  readonly param?: string;
  readonly code?: string;
}

const openaiTypes: Readonly<Record<number, readonly [type: string, code: string | null, message: string]>> = {
  401: [
    'invalid_request_error',
    'invalid_api_key',
    'Incorrect API key provided: sk-sim. You can find your API key at https://platform.openai.com/account/api-keys.',
  ],
  403: [
    'invalid_request_error',
    'unsupported_country_region_territory',
    'Country, region, or territory not supported',
  ],
  404: [
    'invalid_request_error',
    'model_not_found',
    'The model does not exist or you do not have access to it.',
  ],
  429: ['requests', 'rate_limit_exceeded', 'Rate limit reached for requests. Please try again in 1s.'],
  500: ['server_error', null, 'The server had an error while processing your request. Sorry about that!'],
  503: ['service_unavailable_error', null, 'The engine is currently overloaded, please try again later.'],
};

const anthropicTypes: Readonly<Record<number, readonly [type: string, message: string]>> = {
  400: ['invalid_request_error', 'The request is invalid.'],
  401: ['authentication_error', 'invalid x-api-key'],
  403: ['permission_error', 'Your API key does not have permission to use the specified resource.'],
  404: ['not_found_error', 'The requested resource could not be found.'],
  413: ['request_too_large', 'Request exceeds the maximum size'],
  429: ['rate_limit_error', 'This request would exceed your rate limit. Please try again later.'],
  500: ['api_error', 'Internal server error'],
  529: ['overloaded_error', 'Overloaded'],
};

/** A status with the message that the API usually has for it. */
export function usualProblem(shape: 'openai' | 'anthropic', status: number): Problem {
  if (shape === 'anthropic') {
    return { status, message: anthropicTypes[status]?.[1] ?? `Simulated status ${status}` };
  }
  const [, code, message] = openaiTypes[status] ?? ['', null, `Simulated status ${status}`];
  return code === null ? { status, message } : { status, message, code };
}

export function openaiError(problem: Problem): object {
  const type =
    openaiTypes[problem.status]?.[0] ?? (problem.status < 500 ? 'invalid_request_error' : 'server_error');
  const { message, param = null, code = null } = problem;
  return { error: { message, type, param, code } };
}

export function anthropicError(problem: Problem, requestId?: string): object {
  const type =
    anthropicTypes[problem.status]?.[0] ?? (problem.status < 500 ? 'invalid_request_error' : 'api_error');
  const error = { type: 'error', error: { type, message: problem.message } };
  return requestId === undefined ? error : { ...error, request_id: requestId };
}

export function problemBody(shape: 'openai' | 'anthropic', problem: Problem, requestId: string): string {
  return JSON.stringify(shape === 'openai' ? openaiError(problem) : anthropicError(problem, requestId));
}

export const malformedJson: Readonly<Record<'openai' | 'anthropic', Problem>> = {
  openai: {
    status: 400,
    message:
      'We could not parse the JSON body of your request. (HINT: This likely means you aren’t using your HTTP library correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON.)',
  },
  anthropic: { status: 400, message: 'The request body is not valid JSON.' },
};

/** OpenAI's words for a parameter that has to be there. */
export function missingParameter(param: string): Problem {
  return {
    status: 400,
    message: `Missing required parameter: '${param}'.`,
    param,
    code: 'missing_required_parameter',
  };
}

export function wrongType(param: string, expected: string, value: unknown): Problem {
  const got = Array.isArray(value) ? 'an array' : value === null ? 'null' : `a ${typeof value}`;
  return {
    status: 400,
    message: `Invalid type for '${param}': expected ${expected}, but got ${got} instead.`,
    param,
    code: 'invalid_type',
  };
}

export function emptyArray(param: string): Problem {
  return {
    status: 400,
    message: `Invalid '${param}': empty array. Expected an array with minimum length 1, but got an empty array instead.`,
    param,
    code: 'empty_array',
  };
}

export const missingModel: Problem = { status: 400, message: 'you must provide a model parameter' };

/** What every operation of OpenAI asks of a list that it works on. */
export function refuseList(param: string, value: unknown): Problem | undefined {
  if (value === undefined || value === null) return missingParameter(param);
  if (!Array.isArray(value)) return wrongType(param, 'an array of objects', value);
  return value.length === 0 ? emptyArray(param) : undefined;
}
