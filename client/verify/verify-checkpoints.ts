import {
  type Checkpoint,
  type CheckpointFault,
  type CheckpointHead,
  type CheckpointProof,
  checkpointText,
  climbOf,
  headText,
} from '../../protocol/audit-checkpoint.ts';
import { hex, isSequence, sha256 } from './link-hash.ts';

/** A fault of one checkpoint. */
export interface CheckpointProblem {
  fault: CheckpointFault;
  /** The number of the checkpoint. */
  number: number;
}

/** What {@link verifyCheckpoints} compares the checkpoints with. */
export interface CheckpointOptions {
  /** The keys that you trust, as SubjectPublicKeyInfo in base64. A checkpoint that none of them signed is a fault. */
  publicKeys: readonly string[];
  /** Checkpoints that were kept elsewhere: each must be in the series as it was then. */
  published?: readonly Checkpoint[];
  /** Whether the series must begin with the first checkpoint. */
  isComplete?: boolean;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/**
 * Verifies a series of checkpoints: each is signed and follows the one before it.
 *
 * @returns the faults by number; none if the series is valid.
 */
export async function verifyCheckpoints(
  checkpoints: readonly Checkpoint[],
  { publicKeys, published = [], isComplete = false }: CheckpointOptions,
): Promise<CheckpointProblem[]> {
  const problems: CheckpointProblem[] = [];
  const series = checkpoints.toSorted((one, other) => one.number - other.number);
  let before: Checkpoint | undefined;
  for (const checkpoint of series) {
    const { number } = checkpoint;
    const fault = (await ownFault(checkpoint, publicKeys)) ?? placeFault(before, checkpoint, isComplete);
    if (fault === 'checkpoint_missing') problems.push({ fault, number: number - 1 });
    else if (fault) problems.push({ fault, number });
    before = checkpoint;
  }
  const byNumber = new Map(series.map((checkpoint) => [checkpoint.number, checkpoint]));
  for (const kept of published) {
    const found = byNumber.get(kept.number);
    const fault = found ? found.hash !== kept.hash && 'checkpoint_altered' : 'checkpoint_missing';
    if (fault) problems.push({ fault, number: kept.number });
  }
  return problems.sort((one, other) => one.number - other.number);
}

/** The heads that the proofs prove, and the proofs that prove nothing. */
export async function provenHeads(
  proofs: readonly CheckpointProof[],
  publicKeys: readonly string[],
): Promise<{ heads: CheckpointHead[]; forged: CheckpointProof[] }> {
  const heads: CheckpointHead[] = [];
  const forged: CheckpointProof[] = [];
  for (const proof of proofs.map(Object) as CheckpointProof[]) {
    const { sessionId, sequence, hash } = proof;
    if (isSequence(sequence) && (await isProven(proof, publicKeys))) heads.push({ sessionId, sequence, hash });
    else forged.push(proof);
  }
  return { heads, forged };
}

/** A proof that cannot be read proves nothing. */
async function isProven(proof: CheckpointProof, publicKeys: readonly string[]): Promise<boolean> {
  try {
    const { checkpoint } = proof;
    return !(await ownFault(checkpoint, publicKeys)) && (await rootOf(proof)) === checkpoint.root;
  } catch {
    return false;
  }
}

async function ownFault(
  checkpoint: Checkpoint,
  publicKeys: readonly string[],
): Promise<Exclude<CheckpointFault, 'chain_replaced'> | undefined> {
  const { number, madeAt, heads } = checkpoint;
  // In a text, "1" looks like 1, and 1.5 ms like 1 ms.
  if (![number, madeAt, heads].every(Number.isSafeInteger) || Math.abs(madeAt) > 8.64e15) return 'checkpoint_altered';
  const text = checkpointText(checkpoint);
  if ((await sha256(text)) !== checkpoint.hash) return 'checkpoint_altered';
  if (!publicKeys.includes(checkpoint.publicKey)) return 'checkpoint_unsigned';
  return (await isSigned(checkpoint, text)) ? undefined : 'checkpoint_unsigned';
}

/** A key or a signature that cannot be read signs nothing. */
async function isSigned({ publicKey, signature }: Checkpoint, text: string): Promise<boolean> {
  try {
    const key = await crypto.subtle.importKey('spki', bytesOf(publicKey), algorithm, false, ['verify']);
    return await crypto.subtle.verify(algorithm, key, bytesOf(signature), new TextEncoder().encode(text));
  } catch {
    return false;
  }
}

function placeFault(before: Checkpoint | undefined, { number, previousHash }: Checkpoint, isComplete: boolean) {
  if (!before) return isComplete && number > 1 ? 'checkpoint_missing' : undefined;
  if (number > before.number + 1) return 'checkpoint_missing';
  return number === before.number + 1 && previousHash === before.hash ? undefined : 'checkpoint_altered';
}

/** The root to which the path of a proof leads; undefined if the path does not fit to the place of the head. */
async function rootOf(proof: CheckpointProof): Promise<string | undefined> {
  const { index, path, checkpoint } = proof;
  if (!(Number.isInteger(index) && index >= 0 && index < checkpoint.heads)) return undefined;
  let node = await digest([0], new TextEncoder().encode(headText(proof)));
  let used = 0;
  for (const side of climbOf(index, checkpoint.heads)) {
    if (side === 'alone') continue;
    const other = path[used++];
    if (other === undefined) return undefined;
    const neighbour = Uint8Array.from(other.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
    node = side === 'left' ? await digest([1], node, neighbour) : await digest([1], neighbour, node);
  }
  return used === path.length ? hex(node) : undefined;
}

async function digest(...parts: (Iterable<number> & { length: number })[]): Promise<Uint8Array> {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(Array.from(part), at);
    at += part.length;
  }
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
