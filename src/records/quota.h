/*
 * quota.h: how many entries of app_logs an end user may write a day.
 */
#ifndef COURSEBASE_RECORDS_QUOTA_H
#define COURSEBASE_RECORDS_QUOTA_H

/*
 * Counts an entry of whoever asks, for a caller that writes it in this transaction. Does
 * nothing for the server and the tables' owner, and while the setting app_logs_a_day is 0.
 * Needs SPI_connect(); overwrites SPI_tuptable. Locks the person who asks, then the person's
 * counter. Raises KB311 when the day's entries are used up, and what a wait can raise.
 */
extern void quota_take(void);

#endif
