/*
 * json_claim.c: one text out of the claims of a token.
 *
 * Runs where nothing may be allocated or raised and whatever stands in the claims may be
 * hostile: the whole text is checked before any of it counts, and no answer is the only answer
 * to a doubt.
 */
#include <string.h>

#include "json/json.h"

/*
 * The whole text is validated before the member is looked for: a claim that stands before a
 * fault in the text counts for nothing.
 */
JsonStatus
json_claim_read(const char *bytes, size_t size, const char *name, char *out, size_t room,
				size_t *out_size)
{
	JsonSlice wanted = {name, strlen(name)};
	unsigned char nest[JSON_CLAIM_LEVELS / 8];
	JsonSpan root, value;
	JsonStatus status;
	JsonText text;

	*out_size = 0;
	json_text_init(&text, bytes, size, NULL, NULL);
	status = json_text_validate(&text, nest, sizeof(nest), NULL);
	if (status != JSON_OK)
		return status;
	root = json_root(&text);
	if (json_kind(&text, root) != JSON_KIND_OBJECT)
		return JSON_NOT_CONTAINER;
	if (!json_member_find(&text, root, wanted, &value))
		return JSON_ABSENT;
	if (json_kind(&text, value) != JSON_KIND_STRING)
		return JSON_NOT_STRING;
	return json_string_unescape(json_text_slice(&text, value), out, room, out_size);
}
