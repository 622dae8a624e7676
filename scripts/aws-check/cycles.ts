import { allDependenciesOf, dependenciesOf, type Finding, type Template } from './template.ts';

/** Finds groups of resources that depend on each other in a circle. CloudFormation refuses such a template. */
export function checkCycles(template: Template): Finding[] {
  const reported = new Set<string>();
  return Object.keys(template.Resources).flatMap((logicalId) => {
    if (reported.has(logicalId) || !allDependenciesOf(template, logicalId).has(logicalId)) return [];
    const path = shortestCycle(template, logicalId);
    for (const id of allDependenciesOf(template, logicalId)) {
      if (allDependenciesOf(template, id).has(logicalId)) reported.add(id);
    }
    return [
      {
        logicalId,
        problem: `It waits for itself: ${[...path, logicalId].join(' → ')}.`,
        nextStep: 'Remove one of these references.',
      },
    ];
  });
}

function shortestCycle(template: Template, start: string): string[] {
  const paths = [[start]];
  const seen = new Set<string>();
  for (const path of paths) {
    for (const target of dependenciesOf(template, path.at(-1)!)) {
      if (target === start) return path;
      if (seen.has(target)) continue;
      seen.add(target);
      paths.push([...path, target]);
    }
  }
  return [start];
}
