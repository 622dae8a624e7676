import { type Piece, piecesOf } from './scripts.ts';
import takeOver from './take-over.lua';

/** The script `takeOver`, in pieces. */
export const takeOverPieces = piecesOf('takeOver', {
  file: 'lambdas/presence/scripts/take-over.lua',
  text: takeOver,
} satisfies Piece);
