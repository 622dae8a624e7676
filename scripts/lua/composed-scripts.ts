import { publishPieces } from '../../lambdas/presence/scripts/publish.ts';
import { renewAgentPieces } from '../../lambdas/presence/scripts/renew-agent.ts';
import { constants, type PresenceScript, scriptArguments } from '../../lambdas/presence/scripts/script-table.ts';
import { declared, type Piece, piecesOf, rateLimitPieces } from '../../lambdas/presence/scripts/scripts.ts';
import { sweepScriptNames, sweepScripts } from '../../lambdas/presence/scripts/sweep/sweep-scripts.ts';
import { takeOverPieces } from '../../lambdas/presence/scripts/take-over.ts';

/** A script as Redis runs it, in pieces with their files. */
export interface ComposedScript {
  name: string;
  pieces: readonly Piece[];
}

/** The scripts in files of their own. */
const rare = { takeOver: takeOverPieces, publish: publishPieces, renewAgent: renewAgentPieces };

/** All scripts of the product. */
export function composedScripts(): ComposedScript[] {
  const presence = (Object.keys(scriptArguments) as PresenceScript[]).map((name) => ({
    name,
    pieces: rare[name as keyof typeof rare] ?? piecesOf(name as Exclude<PresenceScript, keyof typeof rare>),
  }));
  const sweeps = (Object.keys(sweepScripts) as (keyof typeof sweepScripts)[]).map((name) => ({
    name,
    pieces: [declared(sweepScriptNames(name)), sweepScripts[name].piece],
  }));
  return [...presence, ...sweeps, { name: 'rateLimit', pieces: rateLimitPieces(constants) }];
}
