/** The largest event: a payload of API Gateway has up to 10 MB, and JSON may escape each byte. */
const maximumBytes = 64 * 1024 * 1024;
const usualBytes = 16 * 1024;
/** The header before the text: the number of texts so far, and the length of the last one in bytes. */
const headerBytes = 8;
const countIndex = 0;
const lengthIndex = 1;

/**
 * Shared memory through which one thread passes texts to another, one at a time. The receiver blocks on it, so a frozen
 * environment wakes with one system call and its event loop does not run meanwhile. A message port would need several
 * system calls.
 */
export class EventSlot {
  /** The memory that the other thread passes to its constructor. */
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

  /**
   * Passes a text to the other thread, which must have taken the previous one. @throws RangeError if it is too large.
   */
  put(text: string): void {
    const needed = headerBytes + Buffer.byteLength(text);
    if (needed > this.memory.byteLength) this.memory.grow(needed);
    this.#header[lengthIndex] = this.#bytes.write(text, headerBytes);
    Atomics.add(this.#header, countIndex, 1);
    Atomics.notify(this.#header, countIndex);
  }

  /** Blocks until there is a new text and returns it. */
  take(): string {
    // The notification of the last text may arrive late and end this wait although there is no new text.
    while (Atomics.load(this.#header, countIndex) === this.#taken) {
      Atomics.wait(this.#header, countIndex, this.#taken);
    }
    this.#taken = Atomics.load(this.#header, countIndex);
    return this.#bytes.toString('utf8', headerBytes, headerBytes + this.#header[lengthIndex]!);
  }
}
