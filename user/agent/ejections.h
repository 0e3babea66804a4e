/* SPDX-License-Identifier: Apache-2.0 */
/* What the programs found out about backends, for people and for the next plan. */
#pragma once

struct agent;

void ejections_open(struct agent *agent);
/* After a plan, too: it may have given a share to those that are ejected, or taken it. */
void ejections_look(struct agent *agent);
void ejections_close(struct agent *agent);
