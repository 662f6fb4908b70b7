/*
 * errors.h: every SQLSTATE that coursebase raises of its own.
 *
 * One class, KB (classes that begin with a letter up to H belong to the SQL standard), one line
 * a code: the code, the HTTP status that PostgREST should give for it, and what it means.
 * doc/reference/errors.md and the statuses of http_errors.c are generated from these lines, so
 * that they are the only place to change.
 *
 * Refused rights are not here: they are the server's own 42501.
 */
#ifndef COURSEBASE_CORE_ERRORS_H
#define COURSEBASE_CORE_ERRORS_H

#define CB_SQLSTATE(a, b, c) MAKE_SQLSTATE('K', 'B', a, b, c)

/* A code, its status and its meaning stay on one line. */
/* clang-format off */

/* More than one server */
#define ERRCODE_CB_LIVES_ELSEWHERE     CB_SQLSTATE('C', '0', '1') /* 421 the person lives in another cell, which the detail names */
#define ERRCODE_CB_ON_WORKER           CB_SQLSTATE('C', '0', '2') /* 503 coursebase lives on the coordinator of Citus, and this is a worker */
#define ERRCODE_CB_STANDBY_BEHIND      CB_SQLSTATE('C', '0', '3') /* 503 the standby has not replayed so far: ask the primary */
#define ERRCODE_CB_HOME_ONLY           CB_SQLSTATE('C', '0', '4') /* 421 the call belongs on home */
#define ERRCODE_CB_NOT_PLACED          CB_SQLSTATE('C', '0', '5') /* 409 the directory does not know the person: home places people */
#define ERRCODE_CB_OF_HOME             CB_SQLSTATE('C', '0', '6') /* 421 the catalogue comes from home, and is changed there */
#define ERRCODE_CB_KEPT_FOR_CELLS      CB_SQLSTATE('C', '0', '7') /* 409 cells may have sold what the row stands for */
#define ERRCODE_CB_KEY_ELSEWHERE       CB_SQLSTATE('C', '1', '1') /* 409 another cell has what the key names, which the detail says */
#define ERRCODE_CB_HOME_AWAY           CB_SQLSTATE('C', '1', '2') /* 503 home does not answer, and nothing was done: call again */
#define ERRCODE_CB_MOVING              CB_SQLSTATE('C', '2', '1') /* 503 the person is moving from one cell to another: try again */
#define ERRCODE_CB_MOVE_REFUSED        CB_SQLSTATE('C', '2', '2') /* 409 the person cannot move, or this is not the document of the move */
#define ERRCODE_CB_CELL_LACKS          CB_SQLSTATE('C', '2', '3') /* 503 the cell lacks what rows of the person point to: try again */

/* The installation */
#define ERRCODE_CB_SCHEMA_BEHIND       CB_SQLSTATE('0', '0', '1') /* 503 the tables are of an older version than the code, or missing */
#define ERRCODE_CB_DROP_REFUSED        CB_SQLSTATE('0', '0', '2') /* 409 the command would drop or alter what the code reads */
#define ERRCODE_CB_SCHEMA_OWNER        CB_SQLSTATE('0', '0', '3') /* 403 the schema belongs to a role that could plant objects in it */
#define ERRCODE_CB_ROLE_UNFIT          CB_SQLSTATE('0', '0', '4') /* 409 a role does not fit the part that it is to play */
#define ERRCODE_CB_APPEND_ONLY         CB_SQLSTATE('0', '0', '5') /* 409 rows of this table are never changed or deleted */
#define ERRCODE_CB_ROW_KEPT            CB_SQLSTATE('0', '0', '6') /* 500 a row that was written is not there: a trigger of the database's own may have kept or changed it */
#define ERRCODE_CB_IN_THE_WAY          CB_SQLSTATE('0', '0', '7') /* 503 another transaction is in the way and nothing was done: call again */

/* Documents */
#define ERRCODE_CB_DOCUMENT_CHANGED    CB_SQLSTATE('1', '0', '1') /* 409 the document is not the one the caller expected */
#define ERRCODE_CB_ENTRY_CONFLICT      CB_SQLSTATE('1', '0', '2') /* 409 an entry is there already, with other content */
#define ERRCODE_CB_ENTRY_INVALID       CB_SQLSTATE('1', '0', '3') /* 422 an entry lacks what it needs, or holds what it may not */
#define ERRCODE_CB_PATH_INVALID        CB_SQLSTATE('1', '0', '4') /* 422 the path leads to a value that cannot be appended to */
#define ERRCODE_CB_DOCUMENT_TOO_LARGE  CB_SQLSTATE('1', '0', '5') /* 413 the document would pass the server's limit of 1 GB */
#define ERRCODE_CB_NOT_FOUND           CB_SQLSTATE('1', '0', '6') /* 404 no such row, or none that the caller may know of */

/* Custom courses */
#define ERRCODE_CB_LINK_INVALID        CB_SQLSTATE('2', '0', '1') /* 404 the link is unknown or its purchase no longer active */
#define ERRCODE_CB_LINK_EXPIRED        CB_SQLSTATE('2', '0', '2') /* 410 the link is older than 24 hours */
#define ERRCODE_CB_LINK_USED           CB_SQLSTATE('2', '0', '3') /* 409 the link's form was submitted already */
#define ERRCODE_CB_FORM_INVALID        CB_SQLSTATE('2', '0', '4') /* 422 an answer is missing, too short or too long */
#define ERRCODE_CB_RECEIPT_USED        CB_SQLSTATE('2', '0', '5') /* 409 the receipt is that of another user or product */

/* Sync */
#define ERRCODE_CB_REQUEST_INVALID     CB_SQLSTATE('3', '0', '1') /* 400 a member of the request has the wrong type */
#define ERRCODE_CB_TOO_MANY_PLAYS      CB_SQLSTATE('3', '0', '2') /* 422 a person has as many rows of audio_usage as the setting audio_usage_a_person allows */

/* Logs */
#define ERRCODE_CB_LOG_QUOTA           CB_SQLSTATE('3', '1', '1') /* 429 a person wrote as many entries of app_logs today as the setting app_logs_a_day allows */

/* Accounts */
#define ERRCODE_CB_SET_ONCE            CB_SQLSTATE('4', '0', '1') /* 409 a value that is set once is set already */
#define ERRCODE_CB_MERGE_REFUSED       CB_SQLSTATE('4', '0', '2') /* 409 two accounts cannot become one; the detail says why */

/* Subscriptions */
#define ERRCODE_CB_EVENT_INVALID       CB_SQLSTATE('5', '0', '1') /* 422 an event lacks a member, or it is of the wrong form */
#define ERRCODE_CB_EVENT_CONFLICT      CB_SQLSTATE('5', '0', '2') /* 409 the event came before, with other content */
#define ERRCODE_CB_LINE_TAKEN          CB_SQLSTATE('5', '0', '3') /* 409 the store's subscription is another user's */
#define ERRCODE_CB_TRANSITION_REFUSED  CB_SQLSTATE('5', '0', '4') /* 409 the subscription's state does not allow the event */
#define ERRCODE_CB_MACHINE_ONLY        CB_SQLSTATE('5', '0', '5') /* 409 only the machine of subscriptions writes this table */
#define ERRCODE_CB_NO_ENTITLEMENT      CB_SQLSTATE('5', '0', '6') /* 422 there is no such entitlement */

/* Discounts and referrals */
#define ERRCODE_CB_DISCOUNT_REFUSED    CB_SQLSTATE('6', '0', '1') /* 422 a rule refuses the discount; the detail names it */
#define ERRCODE_CB_ORDER_CONFLICT      CB_SQLSTATE('6', '0', '2') /* 409 the order has another discount, or other content */
#define ERRCODE_CB_COUNTER_SPLIT       CB_SQLSTATE('6', '0', '3') /* 409 the counter of the code is split */
#define ERRCODE_CB_CHAIN_CYCLE         CB_SQLSTATE('6', '0', '4') /* 409 the link would close a ring */
#define ERRCODE_CB_REFERRAL_REFUSED    CB_SQLSTATE('6', '0', '5') /* 422 the code is unknown, or the person's own */
#define ERRCODE_CB_CREDIT_SHORT        CB_SQLSTATE('6', '0', '6') /* 402 there is less referral credit than is to be spent */

/* Credits */
#define ERRCODE_CB_NOT_ENOUGH_CREDITS  CB_SQLSTATE('7', '0', '1') /* 402 the use costs more credits than there are */
#define ERRCODE_CB_CREDIT_KEY_CONFLICT CB_SQLSTATE('7', '0', '2') /* 409 the key is that of another use, or the use has ended */
#define ERRCODE_CB_WEEKLY_LIMIT        CB_SQLSTATE('7', '0', '3') /* 409 the weekly limit falls only when the week turns */

/* Purchases */
#define ERRCODE_CB_RECEIPT_INVALID     CB_SQLSTATE('8', '0', '1') /* 422 a receipt lacks a member, or it is of the wrong form */
#define ERRCODE_CB_PRODUCT_UNKNOWN     CB_SQLSTATE('8', '0', '2') /* 422 no product of the stores has that id */

/* Premium slots */
#define ERRCODE_CB_PREMIUM_NEEDED      CB_SQLSTATE('8', '1', '1') /* 402 the call is for people with premium */
#define ERRCODE_CB_NOT_IN_PREMIUM      CB_SQLSTATE('8', '1', '2') /* 422 there is no such course in premium */
#define ERRCODE_CB_SLOTS_FULL          CB_SQLSTATE('8', '1', '3') /* 409 all the premium slots hold another course */
#define ERRCODE_CB_SLOT_NOT_NEEDED     CB_SQLSTATE('8', '1', '4') /* 409 the course can be used without a slot */

/* Notifications of the stores */
#define ERRCODE_CB_SIGNATURE_INVALID                                                           \
	CB_SQLSTATE('8', '2', '1') /* 401 the signature is not the store's, or not of this body */
#define ERRCODE_CB_SIGNATURE_REQUIRED                                                          \
	CB_SQLSTATE('8', '2', '2') /* 401 the provider is taken only signed */
#define ERRCODE_CB_STORE_KEY_UNKNOWN                                                           \
	CB_SQLSTATE('8', '2', '3') /* 503 store_keys lacks the key that was signed with */
#define ERRCODE_CB_NOTIFICATION_INVALID                                                        \
	CB_SQLSTATE('8', '2', '4') /* 422 the body is not what the provider sends */
#define ERRCODE_CB_STORE_KEY_INVALID                                                           \
	CB_SQLSTATE('8', '2', '5') /* 500 a key in store_keys cannot be read */

/* The course platform */
#define ERRCODE_CB_PRODUCT_EMPTY       CB_SQLSTATE('9', '0', '1') /* 409 a product that is public has no course */
#define ERRCODE_CB_SESSION_CONFLICT    CB_SQLSTATE('9', '0', '2') /* 409 the session was another user's, product's or price's */
#define ERRCODE_CB_REFUND_REFUSED      CB_SQLSTATE('9', '0', '3') /* 422 more is to be refunded than was paid and is left */
#define ERRCODE_CB_NO_REAL_ACCESS      CB_SQLSTATE('9', '0', '4') /* 403 the lesson is of a course that the user may not use */
#define ERRCODE_CB_ORDER_INCOMPLETE    CB_SQLSTATE('9', '0', '5') /* 422 an order leaves a child out, or names another */
#define ERRCODE_CB_REFUND_CONFLICT     CB_SQLSTATE('9', '0', '6') /* 409 the refund was another purchase's or sum's */

/* Programs */
#define ERRCODE_CB_LAST_OWNER          CB_SQLSTATE('A', '0', '1') /* 409 an organisation keeps an owner, and the installation an administrator */
#define ERRCODE_CB_CURRENCY_FIXED      CB_SQLSTATE('A', '0', '2') /* 409 the currency stays once a plan has a price */
#define ERRCODE_CB_CURRICULUM_INVALID  CB_SQLSTATE('A', '0', '3') /* 422 a day beyond the course, a rest day with other places, or too many workouts */
#define ERRCODE_CB_COURSE_EMPTY        CB_SQLSTATE('A', '0', '4') /* 409 a published course has a workout that is not rest */
#define ERRCODE_CB_WORKOUT_IN_USE      CB_SQLSTATE('A', '0', '5') /* 409 the workout is the preview, or in a curriculum */
#define ERRCODE_CB_STATUS_REFUSED      CB_SQLSTATE('A', '0', '6') /* 409 a published or archived course cannot return to draft */
#define ERRCODE_CB_COURSE_CONFIGURED   CB_SQLSTATE('A', '0', '7') /* 409 the program's configuration or delivery forbids it */
#define ERRCODE_CB_TIER_REFUSED        CB_SQLSTATE('A', '0', '8') /* 402 the organisation's tier does not sell courses */
#define ERRCODE_CB_ORGANIZATION_FULL   CB_SQLSTATE('A', '0', '9') /* 422 an organisation has as many rows of a table as the setting for it allows */
#define ERRCODE_CB_NOT_ON_SALE         CB_SQLSTATE('A', '2', '1') /* 409 the course is not published with an active plan */
#define ERRCODE_CB_REFERENCE_CONFLICT  CB_SQLSTATE('A', '2', '2') /* 409 the payment has another reference, or it is another's */
#define ERRCODE_CB_NOT_PAID            CB_SQLSTATE('A', '2', '3') /* 409 the payment is not one that can be refunded */
#define ERRCODE_CB_PAYMENT_SETTLED     CB_SQLSTATE('A', '2', '4') /* 409 the status of a payment cannot change that way */
#define ERRCODE_CB_NOT_ENTITLED        CB_SQLSTATE('A', '2', '5') /* 403 the entitlement is not active */
#define ERRCODE_CB_NOT_A_WORKOUT       CB_SQLSTATE('A', '2', '6') /* 422 a day of rest, or no workout of the course */

/* clang-format on */

#endif
