// `edgehop config credential NAME`: makes the entry of a user of the proxy, and puts it into the configuration file if asked to.
import { createInterface } from 'node:readline/promises';
import { hashOf } from '../access/password-hash.ts';
import { changeConfig, configFile } from './config-change.ts';
import { Exit } from './exit.ts';

export interface CredentialOptions {
  readonly write?: boolean;
  readonly config?: string;
}

const maxPasswordCharacters = 1_024;

/** Prints the entry for `admit.credentials`, or writes it, in the place of the one that the user has already. */
export async function credential(named: string, options: CredentialOptions, env: NodeJS.ProcessEnv): Promise<void> {
  const name = named.normalize('NFC');
  if (!/^[^:\p{Cc}]{1,128}$/u.test(name))
    throw new Exit('usage', 'the name of a user has 1 to 128 characters, none of them a colon or a control character.');
  const password = await asked(name);
  if (password === '') throw new Exit('usage', 'the password is empty.');
  if (password.length > maxPasswordCharacters)
    throw new Exit('usage', `the password has more than ${maxPasswordCharacters} characters.`);
  const entry = { name, hash: await hashOf(password) };
  if (options.write === true) console.log(write(entry, options.config, env));
  else console.log(JSON.stringify(entry));
}

/** Puts the entry into the file that `start` would read, and says so in a sentence. */
function write(
  entry: { readonly name: string; readonly hash: string },
  named: string | undefined,
  env: NodeJS.ProcessEnv,
): string {
  const { path, loaded } = configFile(named, env);
  const users = loaded.kind === 'loaded' ? loaded.config.admit.credentials : [];
  const index = users.findIndex(({ name }) => name.normalize('NFC') === entry.name);
  const written = changeConfig(path, [{ path: ['admit', 'credentials', index], value: entry }]); // -1 is the end of the list
  return `${entry.name} ${index === -1 ? 'is added to' : 'has a new password in'} ${written}.`;
}

/** The password: asked for twice in a terminal, which shows nothing of it; else the first line of stdin. */
async function asked(name: string): Promise<string> {
  if (process.stdin.isTTY !== true) {
    for await (const line of createInterface({ input: process.stdin })) return line;
    throw new Exit('usage', 'the password is the first line of stdin, and there is none.');
  }
  const { isCancel, password } = await import('@clack/prompts');
  const ask = async (message: string) => {
    const answer = await password({ message, mask: '', output: process.stderr });
    if (isCancel(answer)) throw new Exit('interrupted', 'nothing was made.');
    return answer ?? '';
  };
  const given = await ask(`Password of ${name} (nothing is shown)`);
  if ((await ask('Once more')) !== given) throw new Exit('failed', 'the two are not the same.');
  return given;
}
