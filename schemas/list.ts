// Lists of host names, such as block lists, from a file or from elsewhere.
import * as z from 'zod';

export const hostList = z
  .strictObject({
    file: z
      .string()
      .min(1)
      .optional()
      .describe(
        'its path counts from the folder of this configuration; lines of a hosts file name hosts, plain names and ||name^ also what is below them, @@||name^ excepts',
      ),
    url: z
      .url({ protocol: /^https?$/, error: 'it is an http or https URL' })
      .optional()
      .describe('where the list is fetched from'),
    refreshMinutes: z
      .int()
      .min(1)
      .max(525_600)
      .default(1_440)
      .describe('after which a URL is asked again; a file is read as soon as it has changed'),
    maxBytes: z
      .int()
      .positive()
      .max(1024 * 1024 * 1024)
      .default(32 * 1024 * 1024)
      .describe('of its text; a larger one is refused, and the one before it stays'),
  })
  .refine(({ file, url }) => (file === undefined) !== (url === undefined), {
    error: 'a list has either "file" or "url"',
  });

export type HostList = z.infer<typeof hostList>;
