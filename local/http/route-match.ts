import type { HttpRoute } from '../template/http-api.ts';

export interface RouteMatch {
  route: HttpRoute;
  pathParameters: Record<string, string>;
}

interface Pattern {
  route: HttpRoute;
  method: string;
  segments: string[];
}

/** Finds the route of a request: the most specific path first, a named method before `ANY`, `$default` last. */
export function createRouteMatcher(routes: HttpRoute[]): (method: string, path: string) => RouteMatch | undefined {
  const fallback = routes.find(({ key }) => key === '$default');
  const patterns = routes
    .filter(({ key }) => key !== '$default')
    .map(readPattern)
    .sort(bySpecificity);
  return (method, path) => {
    const segments = split(path);
    for (const pattern of patterns) {
      if (pattern.method !== 'ANY' && pattern.method !== method) continue;
      const pathParameters = matchSegments(pattern.segments, segments);
      if (pathParameters) return { route: pattern.route, pathParameters };
    }
    return fallback && { route: fallback, pathParameters: {} };
  };
}

function readPattern(route: HttpRoute): Pattern {
  const [method = '', path = ''] = route.key.split(' ');
  return { route, method, segments: split(path) };
}

function split(path: string): string[] {
  return path.split('/').slice(1);
}

/** Segment by segment from the left: fixed text, then a variable, then the rest (`{proxy+}`). */
function bySpecificity(left: Pattern, right: Pattern): number {
  const rank = (segment: string | undefined) => {
    if (segment === undefined) return 3;
    if (!segment.startsWith('{')) return 0;
    return segment.endsWith('+}') ? 2 : 1;
  };
  for (let index = 0; index < Math.max(left.segments.length, right.segments.length); index++) {
    const difference = rank(left.segments[index]) - rank(right.segments[index]);
    if (difference !== 0) return difference;
  }
  return Number(left.method === 'ANY') - Number(right.method === 'ANY');
}

function matchSegments(pattern: string[], path: string[]): Record<string, string> | undefined {
  const parameters: Record<string, string> = {};
  for (const [index, segment] of pattern.entries()) {
    const actual = path[index];
    if (segment.endsWith('+}')) {
      if (actual === undefined) return undefined;
      parameters[segment.slice(1, -2)] = decode(path.slice(index).join('/'));
      return parameters;
    }
    if (actual === undefined) return undefined;
    if (segment.startsWith('{')) {
      if (actual === '') return undefined;
      parameters[segment.slice(1, -1)] = decode(actual);
    } else if (segment !== actual) return undefined;
  }
  return pattern.length === path.length ? parameters : undefined;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // An invalid escape sequence is passed to the function as it was sent.
    return text;
  }
}
