// The table of `then.transform`: by both upstreams of the edge the same octets, and without an edge the documented refusal.
import { png } from '../../support/images.ts';
import type { RuleInput as WrittenRule } from '../../support/rules.ts';
import type { Answer, Ask, Expected, Row } from './row.ts';

type Transform = NonNullable<WrittenRule['then']['transform']>;

const when = { host: 'a.test' };
const page = '<html><head><title>t</title></head><body><p class="ad">buy</p><p id="main">text</p></body></html>';
const html: Answer = {
  fields: { 'Content-Type': 'text/html; charset=utf-8', ETag: '"1"', 'Cache-Control': 'no-store' },
  content: page,
};
const text: Answer = { fields: { 'Content-Type': 'text/plain', 'Cache-Control': 'no-store' }, content: 'one two one' };
const image: Answer = { fields: { 'Content-Type': 'image/png', 'Cache-Control': 'no-store' }, content: png(64, 32) };
const skippedHere =
  'transforms are made at the edge: without one they are skipped and recorded (docs/rules.md, What rules mean together)';

interface Changed {
  readonly content?: string;
  readonly fields?: Readonly<Record<string, string | null>>;
  /** Parts that are applied. */
  readonly applied: readonly string[];
}

/** By an edge it is changed so; directly it passes as it came. */
function changed(title: string, transform: Transform, answer: Answer, by: Changed, more: Partial<Row> = {}): Row {
  const { applied, ...client } = by;
  const content = String(answer.content);
  const passes = (record: object): Expected => ({
    client: { status: 200, ...(typeof answer.content === 'string' && { content }) },
    origin: {},
    rules: ['rule'],
    record,
  });
  const ask: Ask = { url: 'http://a.test/x', answer };
  return {
    title: `transform: ${title}`,
    rules: [{ name: 'rule', when, then: { transform } }],
    ask,
    expected: {
      client: { status: 200, ...client },
      origin: {},
      rules: ['rule'],
      record: { transform: { rule: 'rule', applied } },
    },
    unlike: { direct: { because: skippedHere, ...passes({ transform: { rule: 'rule', applied: [] } }) } },
    ...more,
  };
}

const withTag = (tag: string) => page.replace('<p class="ad">buy</p>', tag);

const pages: readonly Row[] = [
  changed(
    'elements are removed, and the tag is weak',
    { html: [{ select: '.ad', remove: true }] },
    html,
    {
      content: withTag(''),
      fields: { etag: 'W/"1~*' },
      applied: ['html'],
    },
    {
      upgrade: { client: { status: 101 }, origin: {}, rules: [] },
      tunnel: { to: 'a.test:ORIGIN', outcome: 'open', rules: [] },
    },
  ),
  changed('elements are replaced', { html: [{ select: '.ad', replace: '<b>x</b>' }] }, html, {
    content: withTag('<b>x</b>'),
    applied: ['html'],
  }),
  changed(
    'elements get something ahead of their content and behind it',
    {
      html: [
        { select: '#main', append: '<i>2</i>' },
        { select: '#main', prepend: '<i>1</i>' },
      ],
    },
    html,
    { content: page.replace('>text<', '><i>1</i>text<i>2</i><'), applied: ['html'] },
  ),
  changed('attributes are set', { html: [{ select: 'p#main', set: { title: 'a "b"' } }] }, html, {
    content: page.replace('<p id="main">', '<p id="main" title="a &quot;b&quot;">'),
    applied: ['html'],
  }),
  changed('a script goes to the end of the head', { inject: { script: 'run()', at: 'head' } }, html, {
    content: page.replace('</head>', '<script>run()</script></head>'),
    applied: ['inject'],
  }),
  changed('a style goes to the end of the body', { inject: { style: 'p{}', at: 'body' } }, html, {
    content: page.replace('</body>', '<style>p{}</style></body>'),
    applied: ['inject'],
  }),
  changed('what is no HTML is not changed as HTML', { html: [{ select: '.ad', remove: true }] }, text, {
    content: 'one two one',
    applied: [],
  }),
  changed(
    'what says no-transform passes as it came',
    { html: [{ select: '.ad', remove: true }], replace: [{ find: 'one', with: 'two' }] },
    { ...html, fields: { ...html.fields, 'Cache-Control': 'no-store, no-transform' } },
    { content: page, fields: { etag: '"1"' }, applied: [] },
  ),
  changed(
    'of several that wait for the response the first that holds is made',
    { html: [{ select: '.ad', remove: true }] },
    html,
    { content: withTag(''), applied: ['html'] },
    {
      rules: [
        {
          name: 'image',
          when: { ...when, response: { type: 'image/*' } },
          then: { transform: { image: { width: 8 } } },
        },
        {
          name: 'rule',
          when: { ...when, response: { type: 'text/html' } },
          then: { transform: { html: [{ select: '.ad', remove: true }] } },
        },
        { name: 'late', when, then: { transform: { compress: true } } },
      ],
    },
  ),
];

const texts: readonly Row[] = [
  changed(
    'texts are replaced, one after the other',
    {
      replace: [
        { find: 'one', with: '1' },
        { find: '2', with: '' },
      ],
    },
    { ...text, content: 'one 2 one' },
    {
      content: '1  1',
      applied: ['replace'],
    },
  ),
  changed('texts larger than the bound pass', { replace: [{ find: 'one', with: '1' }], maxReplaceBytes: 4 }, text, {
    content: 'one two one',
    applied: [],
  }),
  changed(
    'compressed for a client that accepts it',
    { compress: true },
    { ...text, content: 'text '.repeat(500) },
    { fields: { 'content-encoding': 'gzip', vary: 'Accept-Encoding' }, applied: ['compress'] },
    {
      ask: {
        url: 'http://a.test/x',
        fields: ['Accept-Encoding: gzip'],
        answer: { ...text, content: 'text '.repeat(500) },
      },
    },
  ),
  changed(
    'not compressed for any other',
    { compress: true },
    { ...text, content: 'text '.repeat(500) },
    {
      content: 'text '.repeat(500),
      fields: { 'content-encoding': null },
      applied: [],
    },
  ),
  {
    ...changed(
      'what is required is made at the edge, and fails without',
      { replace: [{ find: 'one', with: '1' }], required: true },
      text,
      {
        content: '1 two 1',
        applied: ['replace'],
      },
    ),
    unlike: {
      direct: {
        because: 'a required transform without an edge is an error (docs/configuration.md, then.transform.required)',
        client: { status: 502 },
        origin: null,
        rules: ['rule'],
        record: { error: { type: 'proxy_configuration_error' } },
      },
    },
  },
];

const kept: Answer = {
  fields: { 'Content-Type': 'text/plain', 'Cache-Control': 'max-age=60' },
  content: 'one two one',
};
const ones: WrittenRule = { name: 'rule', when, then: { transform: { replace: [{ find: 'one', with: '1' }] } } };
const stored: Ask = { url: 'http://a.test/transformed', answer: kept };
const plain: Ask = { url: 'http://a.test/plain', fields: ['X-Plain: 1'], answer: kept };

/** What caches keep of it. */
const keepings: readonly Row[] = [
  {
    title: 'transform: what is stored was transformed, and answers the next',
    rules: [ones],
    before: [stored],
    ask: stored,
    expected: { client: { status: 200, content: '1 two 1' }, origin: null, rules: [], record: { transform: null } },
    unlike: {
      direct: { because: skippedHere, client: { status: 200, content: 'one two one' }, origin: null, rules: [] },
    },
  },
  {
    title: 'transform: what is stored as it came does not answer who is to have it transformed',
    rules: [{ ...ones, when: { ...when, fields: { 'x-plain': false } } }],
    before: [plain],
    ask: { url: plain.url, answer: kept },
    expected: { client: { status: 200, content: '1 two 1' }, origin: {}, rules: ['rule'] },
    unlike: {
      direct: { because: skippedHere, client: { status: 200, content: 'one two one' }, origin: null, rules: [] },
    },
  },
];

const formats = ['jpeg', 'png', 'webp', 'avif'] as const;

const images: readonly Row[] = [
  ...formats.map((format) =>
    changed(`an image as ${format}`, { image: { format, quality: 60 } }, image, {
      fields: { 'content-type': `image/${format}` },
      applied: ['image'],
    }),
  ),
  changed(
    'an image smaller, in the best format that the client accepts',
    { image: { width: 16, height: 8, format: 'auto' } },
    image,
    {
      fields: { 'content-type': 'image/webp', vary: 'Accept' },
      applied: ['image'],
    },
    { ask: { url: 'http://a.test/x', fields: ['Accept: image/webp'], answer: image } },
  ),
];

export const contentRows: readonly Row[] = [...pages, ...texts, ...keepings, ...images];
