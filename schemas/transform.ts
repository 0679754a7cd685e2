// How the edge changes the content of a response on its way.
import * as z from 'zod';

const maxTextCharacters = 64 * 1024;
const text = z.string().max(maxTextCharacters);
const selector = z.string().min(1).max(256).describe('a CSS selector, of those that HTMLRewriter knows');

const attributeName = z
  .string()
  .max(256)
  .regex(/^[^\s"'<>/=\p{Cc}]+$/u, 'this is no name of an attribute');

const elementChange = z.union(
  [
    z.strictObject({ select: selector, remove: z.literal(true).describe('the element goes, with its content') }),
    z.strictObject({ select: selector, replace: text.describe('HTML in its place') }),
    z.strictObject({ select: selector, append: text.describe('HTML behind its content') }),
    z.strictObject({ select: selector, prepend: text.describe('HTML ahead of its content') }),
    z.strictObject({ select: selector, set: z.record(attributeName, text).describe('attributes') }),
  ],
  { error: 'a change of elements has "select" and one of "remove", "replace", "append", "prepend" and "set"' },
);

export type ElementChange = z.infer<typeof elementChange>;

const image = z.strictObject({
  width: z.int().positive().max(16_384).optional().describe('at most so many pixels; an image is never enlarged'),
  height: z.int().positive().max(16_384).optional().describe('at most so many pixels'),
  quality: z.int().min(1).max(100).optional().describe('of jpeg, webp and avif; 100 is the best'),
  format: z.enum(['jpeg', 'png', 'webp', 'avif', 'auto']).optional().describe('auto: the best that the client accepts'),
});

const replacement = z.strictObject({
  find: z.string().min(1).max(1_024).describe('a text, found as it stands'),
  with: text.describe('what comes in its place; may be empty'),
});

/** How many characters a single one can become. */
function growthOf(replacements: readonly { readonly find: string; readonly with: string }[]): number {
  return replacements.reduce((product, { find, with: put }) => product * Math.max(1, put.length / find.length), 1);
}

/** What is done to content. One of its parts at least. None is done to what says `no-transform` (RFC 9110 7.7). */
export const transform = z
  .strictObject({
    html: z.array(elementChange).min(1).max(64).readonly().optional().describe('changes of elements of HTML'),
    inject: z
      .strictObject({
        script: text
          .refine((script) => !/<\/script|<!--/i.test(script), {
            error: 'in a script, </script and <!-- would be read as HTML: write <\\/script and <\\!--',
          })
          .optional()
          .describe('JavaScript, without its element'),
        style: text
          .refine((style) => !/<\/style/i.test(style), { error: 'in a style, </style would end it: write <\\/style' })
          .optional()
          .describe('CSS, without its element'),
        at: z.enum(['head', 'body']).default('head').describe('at the end of which element'),
      })
      .optional()
      .describe('put into HTML, and allowed in its Content-Security-Policy'),
    image: image.optional().describe('images are made smaller, or another format'),
    replace: z
      .array(replacement)
      .min(1)
      .max(64)
      .refine((all) => growthOf(all) <= maxTextCharacters, {
        error: 'each finds what those before it have made: together they could make too much of a single character',
      })
      .readonly()
      .optional()
      .describe('texts in content that is text'),
    maxReplaceBytes: z
      .int()
      .positive()
      .max(16 * 1024 * 1024)
      .default(1024 * 1024)
      .describe(
        'of content in which texts are replaced; what is larger passes, and what does not say how large it is is held until that is known',
      ),
    compress: z.literal(true).optional().describe('what is compressible, for clients that accept it'),
    required: z
      .boolean()
      .default(false)
      .describe('whether an exchange fails that cannot be transformed for want of an edge'),
  })
  .refine(({ html, inject, image, replace, compress }) => html ?? inject ?? image ?? replace ?? compress, {
    error: 'a transform has at least one of "html", "inject", "image", "replace" and "compress"',
  });

export type Transform = z.infer<typeof transform>;

export const transformParts = ['html', 'inject', 'image', 'replace', 'compress'] as const;

/** What became of a transform. */
export const transformOutcome = z.strictObject({
  rule: z.string(),
  /** What was done, in its order; empty where nothing was. */
  applied: z.array(z.enum(transformParts)).readonly(),
  /** Why nothing was done, or not all of it: a fragment for people. */
  skipped: z.string().max(256).optional(),
  /** Octets of content as the origin sent it and as it went on; absent while that is not known. */
  octets: z.strictObject({ before: z.int().nonnegative(), after: z.int().nonnegative() }).optional(),
});

export type TransformOutcome = z.infer<typeof transformOutcome>;
