// What `edgehop edge deploy` says: the platform's terms, and of each step that failed, what was done and how to go on.

/** Said before anything is deployed. The README says the same. */
export const terms = `Read this first. Cloudflare's Self-Serve Subscription Agreement, 2.2.1 (j), forbids using its services "to provide a
virtual private network or other similar proxy services" without written permission, and accounts have been blocked.
Whether your own use of your own worker falls under it is for you to settle with Cloudflare. The embedded edge is the
default and needs none of this.`;

export const termsQuestion = 'Type yes if you have settled that and want to deploy';

export const termsNotAccepted =
  'nothing was deployed. Where there is no terminal to answer "yes", --accept-terms says that you have settled that.';

export type DeployStep = 'login' | 'deploy' | 'target' | 'secrets' | 'tokens' | 'secret' | 'verify' | 'store';

/** What is known when a step fails. `because` is a sentence. */
export interface DeployFailure {
  readonly step: DeployStep;
  readonly name: string;
  readonly url?: string;
  readonly because?: string;
  /** How wrangler is run by hand, with its configuration. */
  readonly wrangler: string;
}

/** What happened, what is done by now, and how to go on or to undo it. */
export function deployFailureInWords(failure: DeployFailure): string {
  const { step, name, url, because = '', wrangler } = failure;
  const undo = `\`${wrangler} delete --name ${name}\` takes the worker away.`;
  const again = 'Run the same again to go on.';
  switch (step) {
    case 'login':
      return `wrangler is not logged in, and nothing was deployed. Run \`${wrangler} login\` (or set CLOUDFLARE_API_TOKEN), then the same again.`;
    case 'deploy':
      return `wrangler did not deploy the worker; it says above why. No token was made or stored. ${again}`;
    case 'target':
      return `the worker ${name} is deployed, but ${because} It has no new token and nothing is stored. ${again} ${undo}`;
    case 'secrets':
      return `the worker ${name} is deployed at ${url}, but wrangler does not tell which secrets it has.${said(because)} It has no new token. ${again} ${undo}`;
    case 'tokens':
      return `the worker ${name} is deployed at ${url}, and has tokens already, but does not answer to one of this machine: ${because} A secret cannot be read back. Add the edge by one of its tokens (\`edgehop edge add ${name} ${url}\`), or run the same again with --rotate: that gives it a new token in the place of all that it has.`;
    case 'secret':
      return `the worker ${name} is deployed at ${url}, but wrangler did not set its token.${said(because)} While it has none, it serves nobody. ${again} ${undo}`;
    case 'verify':
      return `the worker ${name} is deployed at ${url} and has its token, but does not answer as it should: ${because} Nothing is stored in the configuration yet. A new address may take minutes: run the same again, which goes on with the same token. ${undo}`;
    case 'store':
      return `the worker ${name} is deployed at ${url} and has its token, but the configuration could not be changed: ${because} Run the same again once it can, which goes on with the same token.`;
  }
}

function said(because: string): string {
  return because === '' ? '' : ` It says: ${because}`;
}
