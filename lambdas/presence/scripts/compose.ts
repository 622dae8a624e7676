import {
  commonArguments,
  constants,
  type PresenceScript,
  replyExtras,
  replyFields,
  scriptArguments,
  scriptKeyNames,
} from './script-table.ts';

/** Lua that declares constants. */
export function declareConstants(values: Record<string, number>): string {
  return `local ${Object.keys(values).join(', ')} = ${Object.values(values).join(', ')}\n`;
}

/** Lua that declares the keys, the common arguments, the constants and the fields of the reply of a presence script. */
export function declarations(script: PresenceScript): string {
  return [
    `local ${scriptKeyNames.map((name) => `${name}Key`).join(', ')} =\n  ${scriptKeyNames.map((_, index) => `KEYS[${index + 1}]`).join(', ')}`,
    declareArguments(commonArguments, 0),
    // Redis takes time to convert a number to text, so scripts use these texts.
    `local nowText, offlineAfterText = ${argument('now')}, ${argument('offlineAfter')}`,
    declareConstants(constants),
    packer('packReply', replyFields),
    packer('packExtra', replyExtras[script]),
  ].join('\n');
}

/** Lua that declares the own arguments of a script. It comes after the shared pieces, so that these cannot use them. */
export function ownDeclarations(script: PresenceScript): string {
  const [own, commonCount] = [scriptArguments[script], Object.keys(commonArguments).length];
  return [
    declareArguments(own, commonCount),
    `local firstExtraArgument = ${commonCount + Object.keys(own).length + 1}`,
  ].join('\n');
}

/** The ARGV expression of a common argument. */
function argument(name: keyof typeof commonArguments): string {
  return `ARGV[${Object.keys(commonArguments).indexOf(name) + 1}]`;
}

function declareArguments(table: Readonly<Record<string, 'text' | 'number' | 'flag'>>, before: number): string {
  const entries = Object.entries(table);
  if (entries.length === 0) return '';
  const values = entries.map(([, kind], index) => {
    const value = `ARGV[${before + index + 1}]`;
    if (kind === 'number') return `tonumber(${value})`;
    return kind === 'flag' ? `${value} == '1'` : value;
  });
  return `local ${entries.map(([name]) => name).join(', ')} =\n  ${values.join(', ')}`;
}

/** A Lua function that returns the named values as a list in the order of the table. */
function packer(name: string, fields: readonly string[]): string {
  return `local function ${name}(values) return { ${fields.map((field) => `values.${field}`).join(', ')} } end`;
}

/** Lua that declares the keys and the arguments of a script that uses nothing else. All arguments are texts. */
export function declareNames(keys: readonly string[], names: readonly string[]): string {
  return [
    `local ${keys.map((name) => `${name}Key`).join(', ')} = unpack(KEYS)`,
    `local ${names.join(', ')} = unpack(ARGV)`,
  ].join('\n');
}
