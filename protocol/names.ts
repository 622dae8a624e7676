import { limits } from './limits.ts';

/** Display names. A name must be visible, and must not change how the text around it is shown. */

/**
 * Characters without a visible shape: controls, line separators, halves of surrogate pairs, interlinear marks, the
 * Braille blank, and all characters that Unicode marks as default-ignorable (zero-width characters, bidirectional
 * overrides and isolates, fillers, tags).
 */
const invisible = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{DI}\u2800\ufff9-\ufffb]/u;

/** Scripts in which U+200C and U+200D select the form of a letter. */
const joining = [
  ...['Arab', 'Syrc', 'Nkoo', 'Mand', 'Mong', 'Deva', 'Beng', 'Guru', 'Gujr', 'Orya', 'Taml', 'Telu', 'Knda', 'Mlym'],
  ...['Sinh', 'Khmr', 'Mymr', 'Tibt'],
]
  .map((script) => `\\p{scx=${script}}`)
  .join('');

/**
 * Invisible characters that belong to the visible character before them: joiners within emoji and within the scripts
 * that need them, variation selectors, and the tags of regional flags.
 */
const attached = new RegExp(
  [
    '(?<=[\\p{Extended_Pictographic}\\p{Emoji_Modifier}]\\ufe0f?)\\u200d(?=\\p{Extended_Pictographic})',
    `(?<=(?![\\s\\p{Zs}])[${joining}])[\\u200c\\u200d]`,
    '(?<=[\\p{L}\\p{N}\\p{S}\\p{P}])[\\ufe00-\\ufe0f\\u{e0100}-\\u{e01ef}]',
    '(?<=\\u{1f3f4}[\\u{e0020}-\\u{e007e}]*)[\\u{e0020}-\\u{e007f}]',
  ].join('|'),
  'u',
);

const removable = new RegExp(`${attached.source}|(${invisible.source})`, 'gu');

/**
 * Returns a name that can be shown and stored: only visible characters, at most `limits.nameCharacters` long, cut
 * between whole characters. Empty if no visible character is left.
 */
export function displayName(name: string): string {
  const cut = truncate(visible(name), limits.nameCharacters);
  // The cut can separate a joiner from the character it joined.
  return visible(cut);
}

function visible(name: string): string {
  return name.replaceAll(removable, (found, removed?: string) => (removed === undefined ? found : '')).trim();
}

/** Cuts a text to this many UTF-16 code units, without half of a surrogate pair at the end. */
function truncate(text: string, codeUnits: number): string {
  const end = text.slice(0, codeUnits);
  return end.isWellFormed() ? end : end.slice(0, -1);
}
