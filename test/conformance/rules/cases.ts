// The table of rules: each condition, each action, and what they mean together.
import { actionRows } from './actions.ts';
import { conditionRows } from './conditions.ts';
import { contentRows } from './contents.ts';
import { networkRows } from './networks.ts';
import { orderRows } from './orders.ts';
import type { Row } from './row.ts';

export const rows: readonly Row[] = [...conditionRows, ...actionRows, ...networkRows, ...contentRows, ...orderRows];
