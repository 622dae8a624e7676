import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto';

export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string | undefined;
}

/** The signed parts of a post. */
export interface Signable {
  host: string;
  /** The path as it is encoded in the request line. */
  path: string;
  contentLength: number;
  /** SHA-256 of the body in hexadecimal digits. */
  contentHash: string;
}

const service = 'execute-api';
const algorithm = 'AWS4-HMAC-SHA256';

/**
 * Signs posts to the management API with AWS Signature Version 4. Every post has the same few headers and no query, so it
 * needs only two hashes. The signing key is valid for one day and is cached.
 */
export class PostSigner {
  readonly #region: string;
  #key: { date: string; secret: string; object: KeyObject } | undefined;

  constructor(region: string) {
    this.#region = region;
  }

  /**
   * The headers of a signed post: each name is followed by its value.
   *
   * @param now Unix milliseconds.
   */
  sign({ host, path, contentLength, contentHash }: Signable, credentials: Credentials, now: number): string[] {
    const time = new Date(now).toISOString().replace(/[-:]|\.\d{3}/g, '');
    const date = time.slice(0, 8);
    const token = credentials.sessionToken;
    // Sorted by name, as the canonical request requires.
    const headers = [
      ...['content-length', String(contentLength), 'host', host],
      ...['x-amz-content-sha256', contentHash, 'x-amz-date', time],
      ...(token ? ['x-amz-security-token', token] : []),
    ];
    let lines = '';
    for (let index = 0; index < headers.length; index += 2) lines += `${headers[index]}:${headers[index + 1]}\n`;
    const names = `content-length;host;x-amz-content-sha256;x-amz-date${token ? ';x-amz-security-token' : ''}`;
    const canonicalPath = encodeURIComponent(path).replaceAll('%2F', '/');
    const request = `POST\n${canonicalPath}\n\n${lines}\n${names}\n${contentHash}`;
    const scope = `${date}/${this.#region}/${service}/aws4_request`;
    const toSign = `${algorithm}\n${time}\n${scope}\n${hash('sha256', request)}`;
    const signature = createHmac('sha256', this.#keyFor(date, credentials.secretAccessKey))
      .update(toSign)
      .digest('hex');
    const credential = `${credentials.accessKeyId}/${scope}`;
    headers.push(
      'authorization',
      `${algorithm} Credential=${credential}, SignedHeaders=${names}, Signature=${signature}`,
    );
    return headers;
  }

  #keyFor(date: string, secret: string): KeyObject {
    if (this.#key?.date !== date || this.#key.secret !== secret) {
      const bytes = [date, this.#region, service, 'aws4_request'].reduce<string | Buffer>(
        (key, text) => createHmac('sha256', key).update(text).digest(),
        `AWS4${secret}`,
      ) as Buffer;
      // Preparing a key costs more than the hash itself, so it is done once.
      this.#key = { date, secret, object: createSecretKey(bytes) };
    }
    return this.#key.object;
  }
}
