/** The most an event may have: a payload of API Gateway is 10 MB, and JSON may escape each of its bytes. */
const maximumBytes = 64 * 1024 * 1024;
const usualBytes = 16 * 1024;
/** Before the text: how many texts were put so far, and the bytes of the last one. */
const headerBytes = 8;
const countIndex = 0;
const lengthIndex = 1;

/**
 * Memory in which one thread hands another one text at a time. The taker sleeps in it, so that a frozen environment wakes
 * by one call of the kernel and its event loop hears of nothing; a message port would cost several of them.
 */
export class EventSlot {
  /** What the other thread makes its slot of. */
  readonly memory: SharedArrayBuffer;
  readonly #header: Int32Array;
  /** Grows with the memory. */
  readonly #bytes: Buffer;
  #taken = 0;

  constructor(memory = new SharedArrayBuffer(usualBytes, { maxByteLength: maximumBytes })) {
    this.memory = memory;
    this.#header = new Int32Array(memory, 0, headerBytes / Int32Array.BYTES_PER_ELEMENT);
    this.#bytes = Buffer.from(memory);
  }

  /** Puts a text for the other thread, which must have taken the one before. @throws RangeError where it is too large. */
  put(text: string): void {
    const needed = headerBytes + Buffer.byteLength(text);
    if (needed > this.memory.byteLength) this.memory.grow(needed);
    this.#header[lengthIndex] = this.#bytes.write(text, headerBytes);
    Atomics.add(this.#header, countIndex, 1);
    Atomics.notify(this.#header, countIndex);
  }

  /** Sleeps until there is a text that was not taken yet. */
  take(): string {
    Atomics.wait(this.#header, countIndex, this.#taken);
    this.#taken = Atomics.load(this.#header, countIndex);
    return this.#bytes.toString('utf8', headerBytes, headerBytes + this.#header[lengthIndex]!);
  }
}
