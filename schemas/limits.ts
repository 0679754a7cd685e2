// The bound of everything that could grow or wait, with its unit in its name.
import * as z from 'zod';
import { maxHeadBytes, maxHeadDeadlineMs } from './relay.ts';

/** Timers take 2^31 - 1, and some limits are added up. */
const maxTimerMs = 1_000_000_000;

const milliseconds = z.int().positive().max(maxTimerMs);
const octets = z.int().positive();
const count = z.int().positive();

export const limits = z.strictObject({
  maxConnections: count.default(10_000).describe('of clients, all together; one more is closed at once'),
  maxConnectionsPerClient: count
    .default(10_000)
    .describe('of one client address (of IPv6: one network of 64 bits); one more is closed at once'),
  maxRequestsPerSecondPerClient: z
    .int()
    .nonnegative()
    .default(0)
    .describe(
      'of one client address (of IPv6: one network of 64 bits), tunnels included, with a second of it in reserve; one more is 429; 0: no limit',
    ),
  maxPipelinedRequests: count
    .default(100)
    .describe('of one client connection, answered or waiting for it; one more is 503, and the connection closes'),
  maxHeadBytes: octets
    .max(maxHeadBytes)
    .default(maxHeadBytes)
    .describe(
      'of a response all of its head, beyond it 502; of a request its target and all names and values, beyond it 431',
    ),
  maxFields: count
    .default(1_000)
    .describe('field lines of one head or trailer section; more are 431 in a request, 502 in a response'),
  maxInterimResponses: count.default(10).describe('responses of status 1xx ahead of a final one; one more is 502'),
  headTimeoutMs: milliseconds
    .default(30_000)
    .describe('for a client to send a whole request head, or a SOCKS5 request; then 408'),
  keepAliveTimeoutMs: milliseconds
    .default(60_000)
    .describe('for a client connection without a request; then it is closed'),
  maxReplayBytes: octets
    .default(1024 * 1024)
    .describe('of the content of a request, kept until the edge has answered, so that it can go directly instead'),
  maxEdgeUploadBytes: octets
    .default(100_000_000)
    .describe('of content that a deployed edge is given; what is larger, or of unknown length, goes directly'),
  originKeepAliveTimeoutMs: milliseconds
    .default(4_000)
    .describe('for a connection to an origin or an edge without an exchange; then it is closed'),
  headDeadlineMs: milliseconds
    .max(maxHeadDeadlineMs)
    .default(60_000)
    .describe('for an origin to answer with its head; then 504'),
  connectTimeoutMs: milliseconds.default(10_000).describe('for a connection to an origin to be made; then 504'),
  idleTimeoutMs: milliseconds
    .default(300_000)
    .describe('without an octet of content in either direction; then the exchange is cut'),
  tunnelIdleTimeoutMs: milliseconds
    .default(900_000)
    .describe('without an octet in either direction of a tunnel; then both connections are reset'),
  clientSilenceMs: milliseconds
    .default(2_000)
    .describe('for which a client of an intercepted host may say nothing; then its server is to speak first: no TLS'),
  passThroughMs: milliseconds
    .default(3_600_000)
    .describe('for which a host is not intercepted whose clients do not take our certificate'),
  maxLeafCertificates: count
    .default(1_000)
    .describe('of intercepted hosts, ready for the next connection; the one asked for longest ago is made again'),
  dnsTimeoutMs: milliseconds.default(10_000).describe('for the system to look a name up; then 504'),
  dnsMemoryMs: milliseconds.default(5_000).describe('for which an answer of the system is used again'),
  maxRememberedNames: count
    .default(1_000)
    .describe('names whose addresses are remembered; the oldest is forgotten for one more'),
  maxSocketBufferBytes: octets
    .default(64 * 1024)
    .describe('held each way of a connection for the slower side; then the faster side waits'),
  maxEdgeConnections: count.default(256).describe('from the agent to the edge; what needs one more waits'),
  maxOriginConnections: count
    .default(64)
    .describe('from the agent to one origin, by the direct route; what needs one more waits'),
  maxIdleOriginConnections: count
    .default(512)
    .describe(
      'from the agent to all origins together, without an exchange; those used longest ago are closed for more',
    ),
  maxRecentRecords: count
    .max(1_000_000)
    .default(1_000)
    .describe('finished exchanges that the control port can still show; the oldest is forgotten for one more'),
  maxHeldLogCharacters: count
    .max(256 * 1024 * 1024)
    .default(16 * 1024 * 1024)
    .describe('of log lines held for a reader that has stopped reading; lines beyond it are lost'),
  drainTimeoutMs: milliseconds
    .default(30_000)
    .describe('for exchanges in flight when the agent is told to stop; then they are cut'),
});
