// The report of `edgehop whoami` for people: what an origin sees, with marks on what differs from what was sent.
import { styleText } from 'node:util';
import { classifyAddress } from '../../http/address.ts';
import type { Field } from '../../http/fields.ts';
import type { EdgeWhoami } from '../../schemas/api.ts';
import type { FieldDifference, WhoamiReport, WhoamiView } from '../../schemas/whoami.ts';
import { printable, routeInWords } from '../log/words.ts';

type Style = (style: 'bold' | 'green' | 'yellow' | 'red' | 'dim', text: string) => string;

/** The report as text. */
export function whoamiInWords(report: WhoamiReport, hasColour: boolean): string {
  const style: Style = (name, text) => (hasColour ? styleText(name, text, { validateStream: false }) : text);
  return [
    introduction(report),
    ...report.views.map((view) => viewInWords(view, style)),
    ...(report.deployed === undefined ? [] : [deployedInWords(report.deployed, style)]),
    remarks(report),
  ].join('\n\n');
}

function introduction({ origin, privacy }: WhoamiReport): string {
  const who =
    origin.kind === 'own'
      ? 'What an origin received just now, by each route. It runs on this machine and notes every field.'
      : `What ${printable(origin.url)} answered just now, by each route.`;
  const marks = '  + added on the way   ~ changed   - left out   (all other lines are as the client sent them)';
  const settings = `Rules are those of the configuration. Via: ${privacy.via}. Forwarded: ${privacy.forwarded}.`;
  return [who, settings, ...(origin.kind === 'own' ? [marks] : [])].join('\n');
}

function viewInWords(view: WhoamiView, style: Style): string {
  const { seen, taken, rules } = view;
  const title = style(
    'bold',
    `${clients[view.client]}, ${routes[view.route]}${view.edge ? ` (edge ${view.edge})` : ''}`,
  );
  const isOtherRoute = taken !== undefined && (taken.kind === 'direct') !== (view.route === 'direct');
  const facts = [
    ...(isOtherRoute ? [`  went         ${routeInWords(taken)}`] : []),
    ...(rules === undefined ? [] : [`  rules        ${rules.map(printable).join(', ')}`]),
  ];
  if (seen.kind === 'nothing')
    return [title, ...facts, `  ${style('red', 'nothing came')}: ${printable(seen.because)}`].join('\n');
  if (seen.kind === 'answered') {
    const lines = (seen.text ?? '(content that is no text, or too much of it)').trimEnd().split('\n');
    return [title, ...facts, `  status       ${seen.status}`, ...lines.map((line) => `    ${printable(line)}`)].join(
      '\n',
    );
  }
  const { difference } = seen;
  return [
    title,
    ...facts,
    `  address      ${seen.address} (of this machine, where this origin runs)`,
    `  protocol     HTTP/${seen.httpVersion}`,
    `  field lines  ${orderInWords(difference)}`,
    ...seen.fields.map((field) => receivedLine(field, difference, style)),
    ...difference.leftOut.map(([name, value]) => style('red', `  - ${name}: ${printable(value)}`)),
  ].join('\n');
}

const clients = { browser: 'A browser', curl: 'curl' } as const;

const routes = {
  direct: 'directly',
  'edge-fetch': 'by the edge with fetch',
  'edge-socket': 'by the edge with a connection of its own',
} as const;

function orderInWords({ sameOrder, sameSpelling }: FieldDifference): string {
  const order = sameOrder ? 'in the order of the client' : 'in another order than the client’s';
  return `${order}, ${sameSpelling ? 'spelt as it did' : 'spelt otherwise'}`;
}

function receivedLine([name, value]: Field, { added, changed }: FieldDifference, style: Style): string {
  const line = `${name}: ${printable(value)}`;
  if (added.some(([other, text]) => other === name && text === value)) return style('green', `  + ${line}`);
  const change = changed.find((each) => each.name === name.toLowerCase());
  if (change === undefined) return `    ${line}`;
  return `${style('yellow', `  ~ ${line}`)}${style('dim', `   (sent: ${change.from.map(printable).join(', ')})`)}`;
}

function deployedInWords(deployed: NonNullable<WhoamiReport['deployed']>, style: Style): string {
  const { name, whoami, problem, documented } = deployed;
  const width = Math.max(0, ...documented.map((field) => `${field.name}: ${field.value}`.length));
  return [
    style('bold', `The deployed edge ${name}`),
    ...(whoami === undefined ? [`  ${style('red', 'it did not say who calls it')}: ${problem}`] : edgeSaw(whoami)),
    '',
    `  ${style('bold', 'documented by Cloudflare, not measured')}: what its platform adds to what a worker fetches`,
    ...documented.map((field) => {
      const line = field.name === '(none)' ? field.name : `${field.name}: ${field.value}`;
      return `    ${line.padEnd(width)}  ${field.when}`;
    }),
  ].join('\n');
}

/** What the edge was called by is what any origin sees by the direct route. */
function edgeSaw({ address, httpVersion, tls, country, asn, colo }: EdgeWhoami): string[] {
  const place = [country, asn === undefined ? undefined : `AS${asn}`].filter((each) => each !== undefined).join(', ');
  const isPublic = address === undefined || classifyAddress(address).kind === 'public';
  return [
    `  it is called from  ${address ?? 'an address that it does not know'}${place === '' ? '' : ` (${place})`}${isPublic ? ': origins see this by the direct route' : ': it is near, and origins elsewhere see another one'}`,
    ...(httpVersion === undefined
      ? []
      : [`  by                 ${httpVersion}${tls === undefined ? '' : `, ${tls.version}`}`]),
    ...(colo === undefined ? [] : [`  in                 ${colo}`]),
  ].map(printable);
}

function remarks({ origin, deployed }: WhoamiReport): string {
  return [
    ...(origin.kind === 'own'
      ? [
          'An origin elsewhere sees the public address of this network by the direct route and by the embedded edge, for both',
          `connect from this machine${deployed === undefined ? '' : '; by a deployed edge one of Cloudflare’s, and by fetch yours in a field'}. \`edgehop whoami --origin URL\` asks one that echoes.`,
        ]
      : []),
    'This is of http. Programs send https through tunnels, in which edgehop sees and changes nothing: origins get all that',
    'the program sends. What can be changed, and what cannot be hidden, is told in docs/privacy.md.',
  ].join('\n');
}
