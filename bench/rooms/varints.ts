/**
 * The encoding of the Yjs protocols: unsigned integers with seven bits per byte, and strings and bytes with their
 * length before them.
 */
export class VarWriter {
  readonly #bytes: number[] = [];

  number(value: number): this {
    let rest = value;
    while (rest > 127) {
      this.#bytes.push((rest % 128) + 128);
      rest = Math.floor(rest / 128);
    }
    this.#bytes.push(rest);
    return this;
  }

  bytes(value: Uint8Array): this {
    this.number(value.length);
    for (const byte of value) this.#bytes.push(byte);
    return this;
  }

  text(value: string): this {
    return this.bytes(Buffer.from(value));
  }

  done(): Buffer {
    return Buffer.from(this.#bytes);
  }
}

export class VarReader {
  readonly #data: Buffer;
  #position = 0;

  constructor(data: Buffer) {
    this.#data = data;
  }

  number(): number {
    let value = 0;
    let factor = 1;
    for (;;) {
      const byte = this.#data[this.#position++];
      if (byte === undefined) throw new RangeError('The message ends too early.');
      value += (byte & 127) * factor;
      if (byte < 128) return value;
      factor *= 128;
    }
  }

  bytes(): Buffer {
    const length = this.number();
    this.#position += length;
    return this.#data.subarray(this.#position - length, this.#position);
  }

  text(): string {
    return this.bytes().toString();
  }
}
