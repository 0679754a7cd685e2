// Writes the documentation that is made of the sources.
import { mkdir, writeFile } from 'node:fs/promises';
import { configSchema } from '../agent/config/json-schema.ts';
import { overridings } from '../agent/config/overrides.ts';
import { configurationPage, configurationPath } from './configuration.ts';

await mkdir(new URL('../docs/', import.meta.url), { recursive: true });
await writeFile(new URL(`../${configurationPath}`, import.meta.url), configurationPage(configSchema(), overridings));
