/** Why a request got no answer. `signed-out`, `denied`: the token; `absent`: there is no such thing; `offline`: no answer at all. */
export type Failure = 'signed-out' | 'denied' | 'absent' | 'refused' | 'busy' | 'offline';

/** A failed request. The message is a sentence with one next step. */
export class ApiError extends Error {
  readonly failure: Failure;

  constructor(failure: Failure, message: string) {
    super(message);
    this.failure = failure;
  }
}

/** The HTTP API with the token of the operator. */
export interface Api {
  /** Reads JSON. @throws ApiError */
  read<T>(path: string, signal?: AbortSignal): Promise<T>;
  /** Reads all pages of an export as text. @throws ApiError */
  readText(path: string): Promise<string>;
}

const failures: Record<number, Failure> = { 401: 'signed-out', 403: 'denied', 404: 'absent', 410: 'absent' };

const sentences: Partial<Record<Failure, string>> = {
  'signed-out': 'The service does not accept this sign-in; sign in again.',
  busy: 'The service is busy; the page tries again by itself.',
  offline: 'The service cannot be reached; check the network. The page tries again by itself.',
};

export function createApi(httpUrl: string, token: () => Promise<string | null>): Api {
  async function request(path: string, signal?: AbortSignal): Promise<Response> {
    const bearer = await token().catch((error: Error) => {
      throw new ApiError('offline', error.message);
    });
    if (bearer === null) throw new ApiError('signed-out', sentences['signed-out']!);
    const headers = { authorization: `Bearer ${bearer}` };
    const reply = await fetch(`${httpUrl}${path}`, { headers, signal: signal ?? null }).catch((error: unknown) => {
      if (signal?.aborted) throw error;
      throw new ApiError('offline', sentences.offline!);
    });
    if (reply.ok) return reply;
    const failure = failures[reply.status] ?? (reply.status === 429 || reply.status >= 500 ? 'busy' : 'refused');
    throw new ApiError(failure, sentences[failure] ?? (await messageOf(reply)));
  }

  return {
    read: async (path, signal) => (await request(path, signal)).json(),
    async readText(path) {
      let text = '';
      for (let next: string | null = path; next !== null; ) {
        const reply: Response = await request(next);
        text += await reply.text();
        const before = reply.headers.get('x-next');
        next = before === null ? null : withParameter(path, 'before', before);
      }
      return text;
    },
  };
}

function withParameter(path: string, name: string, value: string): string {
  const [base, query] = path.split('?');
  const parameters = new URLSearchParams(query);
  parameters.set(name, value);
  return `${base}?${parameters}`;
}

async function messageOf(reply: Response): Promise<string> {
  const body = (await reply.json().catch(() => ({}))) as { message?: string };
  return body.message ?? 'The service refused this request; reload the page.';
}
