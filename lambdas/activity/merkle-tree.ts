import { createHash } from 'node:crypto';

export interface MerkleTree {
  root: Buffer;
  /** For each leaf the hashes that lead to the root, from the leaf on. */
  paths: Buffer[][];
}

const sha256 = (...parts: (Buffer | string)[]) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};
const leafMark = Buffer.from([0]);
const nodeMark = Buffer.from([1]);

/** The Merkle tree of RFC 6962 over at least one text. A node without a neighbour goes up one level as it is. */
export function merkleTree(leaves: readonly string[]): MerkleTree {
  const paths: Buffer[][] = leaves.map(() => []);
  let level = leaves.map((leaf) => sha256(leafMark, leaf));
  for (let height = 0; level.length > 1; height += 1) {
    for (const [index, path] of paths.entries()) {
      const neighbour = level[(index >> height) ^ 1];
      if (neighbour) path.push(neighbour);
    }
    const below = level;
    level = Array.from({ length: Math.ceil(below.length / 2) }, (_, index) => {
      const [left, right] = [below[2 * index]!, below[2 * index + 1]];
      return right ? sha256(nodeMark, left, right) : left;
    });
  }
  const [root] = level;
  if (!root) throw new RangeError('A Merkle tree needs at least one leaf.');
  return { root, paths };
}
