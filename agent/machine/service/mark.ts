// The mark in a unit that says that edgehop made it and how the agent is started: by it we know our own.
import { type ServiceCommand, serviceCommand } from '../../../schemas/service.ts';

const name = 'edgehop-service:';

/** One line of ASCII without quotes of XML, `--` or anything else that a unit of any system would take for its own. */
export function markOf(command: ServiceCommand): string {
  const json = JSON.stringify(command).replaceAll(
    /[^\x20-\x7e]|[<>&'%$-]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return `${name} ${json}`;
}

/** What a unit's mark says; nothing where it has none, or one of another kind. */
export function markedCommand(text: string): ServiceCommand | undefined {
  const line = text.split('\n').find((each) => each.includes(`${name} {`));
  if (line === undefined) return undefined;
  const plain = line.replaceAll(/&(?:quot|#34);/g, '"');
  try {
    const json = plain.slice(plain.indexOf('{', plain.indexOf(name)), plain.lastIndexOf('}') + 1);
    return serviceCommand.parse(JSON.parse(json));
  } catch {
    return undefined;
  }
}
