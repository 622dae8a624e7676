import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { pagesOf, project } from './support.ts';

const pages = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'client/README.md', 'cdk/README.md', ...pagesOf('docs')];

/** The anchors of a page, as GitHub makes them from its headings, and those that it sets itself. */
function anchorsOf(text: string): string[] {
  const prose = text.replace(/^```[\s\S]*?^```$/gm, '');
  const headings = [...prose.matchAll(/^#{1,6} (.*)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .replace(/[^\p{L}\p{N}\p{M}_ -]/gu, '')
      .replaceAll(' ', '-'),
  );
  // GitHub numbers the headings that are not the first with their text.
  const numbered = headings.map((anchor, index) => {
    const before = headings.slice(0, index).filter((other) => other === anchor).length;
    return before === 0 ? anchor : `${anchor}-${before}`;
  });
  return [...numbered, ...[...text.matchAll(/<a id="([^"]+)"/g)].map(([, id]) => id!)];
}

/** The relative links of a page that lead nowhere. */
function brokenLinks(page: string): string[] {
  const text = readFileSync(join(project, page), 'utf8');
  const links = [...text.replace(/^```[\s\S]*?^```$/gm, '').matchAll(/\]\((?!https?:|mailto:)([^)\s]+)\)/g)];
  return links.flatMap(([, link]) => {
    const [path, anchor] = link!.split('#') as [string, string?];
    const target = path === '' ? page : normalize(join(dirname(page), path));
    if (!existsSync(join(project, target))) return [link!];
    if (anchor === undefined || !target.endsWith('.md')) return [];
    return anchorsOf(readFileSync(join(project, target), 'utf8')).includes(anchor) ? [] : [link!];
  });
}

test.each(pages)('each link of %s leads to a file and a heading that exist', (page) => {
  expect(brokenLinks(page)).toEqual([]);
});

test('headings become anchors as on GitHub', () => {
  const text = '# A `b` & [c](d.md)\n## Same\n```sh\n# no heading\n```\n## Same\n<a id="own"></a>';
  expect(anchorsOf(text)).toEqual(['a-b--c', 'same', 'same-1', 'own']);
});
