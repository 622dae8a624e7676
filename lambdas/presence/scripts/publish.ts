import publish from './publish.lua';
import { type Piece, piecesOf } from './scripts.ts';

/** The script `publish`, in pieces. */
export const publishPieces = piecesOf('publish', {
  file: 'lambdas/presence/scripts/publish.lua',
  text: publish,
} satisfies Piece);
