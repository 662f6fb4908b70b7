/*
 * json_fuzz.c: validates, searches, walks and grows a document.
 *
 * The input is a line with what to create (a, o, n) and the path, each step behind a slash; a
 * line with the entries; and the document.
 */
#include "fuzz.h"

#define MAX_STEPS 8

typedef struct Input
{
	JsonSlice document;
	JsonSlice entries;
	JsonSlice path[MAX_STEPS];
	size_t steps;
	JsonCreate create;
	char *memory[2];
} Input;

static bool input_read(Input *input, const uint8_t *data, size_t size);
static void path_run(const Input *input, bool valid);
static void values_run(const Input *input, bool valid);
static void splice_run(const Input *input, bool valid);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Input input;
	bool valid;

	if (!input_read(&input, data, size))
		return 0;
	valid = fuzz_valid(input.document.bytes, input.document.size);
	path_run(&input, valid);
	values_run(&input, valid);
	splice_run(&input, valid && fuzz_valid(input.entries.bytes, input.entries.size));
	free(input.memory[0]);
	free(input.memory[1]);
	return 0;
}

static bool
input_read(Input *input, const uint8_t *data, size_t size)
{
	const uint8_t *line = size > 0 ? memchr(data, '\n', size) : NULL;
	const uint8_t *end = data + size, *entries, *step;

	if (!line || line == data)
		return false;
	entries = line + 1;
	input->create = *data == 'a'   ? JSON_CREATE_ARRAY
					: *data == 'o' ? JSON_CREATE_OBJECT
								   : JSON_CREATE_NOTHING;
	input->steps = 0;
	for (step = data + 1; step < line && input->steps < MAX_STEPS;)
	{
		const uint8_t *next = memchr(step + 1, '/', (size_t) (line - step - 1));

		next = next ? next : line;
		input->path[input->steps].bytes = (const char *) step + 1;
		input->path[input->steps++].size = (size_t) (next - step - 1);
		step = next;
	}
	line = entries < end ? memchr(entries, '\n', (size_t) (end - entries)) : NULL;
	if (!line)
		return false;
	input->entries.size = (size_t) (line - entries);
	input->document.size = (size_t) (end - line - 1);
	input->entries.bytes = input->memory[0] = fuzz_copy(entries, input->entries.size);
	input->document.bytes = input->memory[1] = fuzz_copy(line + 1, input->document.size);
	return true;
}

/* What is found lies in the document and, in a valid one, is a value itself. */
static void
path_run(const Input *input, bool valid)
{
	JsonText text = fuzz_text(input->document.bytes, input->document.size);
	JsonFound found;

	json_path_find(&text, input->path, input->steps, &found);
	PROMISE(found.value.start <= found.value.end && found.value.end <= text.size);
	PROMISE(found.insert <= text.size && found.steps <= input->steps);
	if (!valid)
		return;
	PROMISE(!text.broken);
	PROMISE((found.kind == JSON_KIND_MISSING) == (found.steps < input->steps));
	PROMISE(fuzz_valid(text.bytes + found.value.start, found.value.end - found.value.start));
	PROMISE(found.insert > found.value.start && found.insert <= found.value.end);
}

static void
string_run(JsonSlice raw)
{
	char *out = malloc(raw.size);
	size_t size, again;
	JsonStatus status = json_string_unescape(raw, out, raw.size - 2, &size);
	JsonSlice plain = {out, size};

	PROMISE(json_string_same(raw, raw));
	PROMISE(status == JSON_OK || status == JSON_ZERO_CHARACTER ||
			status == JSON_LONE_SURROGATE);
	if (status == JSON_OK)
	{
		PROMISE(json_string_equals(raw, plain));
		PROMISE(json_string_unescape(raw, out, size, &again) == JSON_OK && again == size);
		PROMISE(size == 0 || json_string_unescape(raw, out, size - 1, &again) == JSON_NO_ROOM);
	}
	(void) json_string_hash(raw);
	free(out);
}

/* Every element or member of the root is valid by itself; the last one of a name is the one
 * found. */
static void
values_run(const Input *input, bool valid)
{
	JsonText text = fuzz_text(input->document.bytes, input->document.size);
	JsonSpan root = json_root(&text), key, value, last;
	JsonKind kind = json_kind(&text, root);
	JsonCursor cursor;

	if (kind != JSON_KIND_ARRAY && kind != JSON_KIND_OBJECT)
		return;
	json_walk_begin(&cursor, &text, root);
	while (kind == JSON_KIND_ARRAY ? json_element_next(&cursor, &value)
								   : json_member_next(&cursor, &key, &value))
	{
		PROMISE(value.start < value.end && value.end <= text.size);
		(void) json_number_is_positive(json_text_slice(&text, value));
		if (!valid)
			continue;
		PROMISE(fuzz_valid(text.bytes + value.start, value.end - value.start));
		if (kind == JSON_KIND_OBJECT)
			string_run(json_text_slice(&text, key));
		if (json_kind(&text, value) == JSON_KIND_STRING)
			string_run(json_text_slice(&text, value));
	}
	PROMISE(!valid || (!text.broken && cursor.done && cursor.next + 1 == root.end));
	if (input->steps > 0 && kind == JSON_KIND_OBJECT &&
		json_member_find(&text, root, input->path[0], &last))
		PROMISE(last.start < last.end && last.end <= text.size);
}

static size_t
elements_count(const char *bytes, size_t size, const Input *input, size_t steps)
{
	JsonText text = fuzz_text(bytes, size);
	JsonFound found;
	JsonCursor cursor;
	JsonSpan key, value;
	size_t count = 0;

	json_path_find(&text, input->path, steps, &found);
	if (found.kind != JSON_KIND_ARRAY && found.kind != JSON_KIND_OBJECT)
		return 0;
	json_walk_begin(&cursor, &text, found.value);
	while (found.kind == JSON_KIND_ARRAY ? json_element_next(&cursor, &value)
										 : json_member_next(&cursor, &key, &value))
		count++;
	return count;
}

/* The result is JSON, holds the document's bytes around the new ones, and has as many elements
 * more. */
static void
result_check(const Input *input, const JsonSplice *plan, const char *result)
{
	const JsonSlice *document = &input->document;
	size_t tail = document->size - plan->offset;
	size_t before = elements_count(document->bytes, document->size, input, input->steps);
	size_t after = elements_count(result, plan->size, input, input->steps);
	size_t given = elements_count(input->entries.bytes, input->entries.size, input, 0);
	JsonText text = fuzz_text(result, plan->size);
	JsonText entries = fuzz_text(input->entries.bytes, input->entries.size);
	JsonFound found, given_root;
	JsonSplice again;
	JsonStatus status;

	PROMISE(fuzz_valid(result, plan->size));
	PROMISE(memcmp(result, document->bytes, plan->offset) == 0);
	PROMISE(memcmp(result + plan->size - tail, document->bytes + plan->offset, tail) == 0);
	json_path_find(&text, input->path, input->steps, &found);
	json_path_find(&entries, NULL, 0, &given_root);
	PROMISE(found.steps == input->steps && !found.empty);
	if (given_root.kind != found.kind)
		given = 1;
	PROMISE(after == before + given);
	status =
		json_splice_plan(&text, input->path, input->steps, &entries, input->create, &again);
	PROMISE(status == (found.kind == JSON_KIND_OBJECT ? JSON_KEY_EXISTS : JSON_OK));
}

static void
splice_run(const Input *input, bool valid)
{
	JsonText document = fuzz_text(input->document.bytes, input->document.size);
	JsonText entries = fuzz_text(input->entries.bytes, input->entries.size);
	JsonSplice plan;
	JsonStatus status =
		json_splice_plan(&document, input->path, input->steps, &entries, input->create, &plan);
	char *result;

	PROMISE(!valid || status != JSON_BROKEN);
	if (status == JSON_KEY_EXISTS || status == JSON_KEY_REPEATED)
		PROMISE(plan.key.size >= 2);
	if (status != JSON_OK)
		return;
	result = malloc(plan.size);
	json_splice_copy(&plan, result, NULL, NULL);
	if (plan.items.size == 0)
		PROMISE(plan.size == document.size && memcmp(result, document.bytes, plan.size) == 0);
	else if (valid)
		result_check(input, &plan, result);
	free(result);
}
