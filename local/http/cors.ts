import type { IncomingHttpHeaders } from 'node:http';
import type { CorsDefinition } from '../template/http-api.ts';

/** The headers that allow a page of another origin to read an answer; none if it may not. */
export function corsHeaders(cors: CorsDefinition | undefined, headers: IncomingHttpHeaders): Record<string, string> {
  const { origin } = headers;
  if (!cors || origin === undefined) return {};
  const any = cors.AllowOrigins?.includes('*') ?? false;
  if (!any && !cors.AllowOrigins?.some((allowed) => allowed.toLowerCase() === origin.toLowerCase())) return {};
  return {
    'access-control-allow-origin': any ? '*' : origin,
    ...(any ? {} : { vary: 'Origin' }),
    ...(cors.AllowCredentials ? { 'access-control-allow-credentials': 'true' } : {}),
    ...(cors.ExposeHeaders?.length ? { 'access-control-expose-headers': cors.ExposeHeaders.join(',') } : {}),
  };
}

/** The answer to a preflight request, which never reaches a function. */
export function preflightHeaders(cors: CorsDefinition, headers: IncomingHttpHeaders): Record<string, string> {
  const allowed = corsHeaders(cors, headers);
  if (Object.keys(allowed).length === 0) return {};
  return {
    ...allowed,
    ...(cors.AllowMethods?.length ? { 'access-control-allow-methods': cors.AllowMethods.join(',') } : {}),
    ...(cors.AllowHeaders?.length ? { 'access-control-allow-headers': cors.AllowHeaders.join(',') } : {}),
    ...(cors.MaxAge === undefined ? {} : { 'access-control-max-age': String(cors.MaxAge) }),
  };
}
