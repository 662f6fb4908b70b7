/*
 * document.c: the digest of a json document in one pass over its stored bytes, without a copy
 * of the document.
 *
 * An announced digest is trusted only for the very same bytes, which are compared: a wrong
 * announcement costs time and nothing else.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "core/compat.h"
#include "json/document.h"
#include "json/json_render.h"
#include "json/stream.h"

/*
 * A rendering may be as long as this, or as its document times RENDERED_TIMES. One level adds 4
 * bytes to a line, so that no document that somebody reads comes near: what does is nested so
 * deeply that its rendering of n * n bytes would keep the server busy for whoever sends n.
 */
#define RENDERED_ALWAYS ((uint64) 16 * 1024 * 1024)
#define RENDERED_TIMES  100

typedef struct Rendering
{
	Digest *digest;
	uint64 room; /* how many bytes more it may have */
} Rendering;

/* The document whose digest is announced, or NULL. */
static const struct varlena *announced = NULL;
static char announced_hex[DIGEST_HEX_SIZE];

static bool document_is_announced(Datum document);
static void document_render(Datum document, Digest *digest);
static void render_feed(void *render, const char *bytes, size_t n);
static void render_take(void *arg, const char *bytes, size_t n);

/* The size is that of the stored bytes in either format: it is what the table keeps. */
Size
document_digest(Datum document, DocumentFormat format, DigestAlgorithm algorithm,
				char hex[DIGEST_HEX_SIZE])
{
	Digest *digest;

	if (format == DOCUMENT_STORED && algorithm == DIGEST_MD5 && document_is_announced(document))
	{
		strlcpy(hex, announced_hex, DIGEST_HEX_SIZE);
		return stream_size(document);
	}
	digest = digest_begin(algorithm);
	if (format == DOCUMENT_CRLF4)
		document_render(document, digest);
	else
		stream_value(document, digest_update, digest);
	digest_finish(digest, hex);
	return stream_size(document);
}

/*
 * The value stays the caller's and must live until document_withdraw(), which the caller calls
 * after an error as well.
 */
void
document_announce(Datum document, const char *hex)
{
	announced = (const struct varlena *) DatumGetPointer(document);
	strlcpy(announced_hex, hex, sizeof(announced_hex));
}

void
document_withdraw(void)
{
	announced = NULL;
}

/*
 * Plain values only: comparing a compressed or toasted value would mean reading it, which the
 * digest does anyway.
 */
static bool
document_is_announced(Datum document)
{
	const struct varlena *value = (const struct varlena *) DatumGetPointer(document);

	return announced != NULL && !VARATT_IS_EXTENDED(value) &&
		   VARSIZE(value) == VARSIZE(announced) &&
		   memcmp(value, announced, VARSIZE(value)) == 0;
}

static void
document_render(Datum document, Digest *digest)
{
	JsonRender *render = palloc(sizeof(JsonRender));
	uint64 stored = stream_size(document);
	Rendering rendering = {digest, Max(RENDERED_ALWAYS, stored * RENDERED_TIMES)};

	json_render_init(render, render_take, &rendering);
	stream_value(document, render_feed, render);
	json_render_finish(render);
	pfree(render);
}

static void
render_feed(void *render, const char *bytes, size_t n)
{
	json_render_feed(render, bytes, n);
}

static void
render_take(void *arg, const char *bytes, size_t n)
{
	Rendering *rendering = arg;

	CHECK_FOR_INTERRUPTS();
	if (n > rendering->room)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the document is nested too deeply to be rendered"),
				 errdetail("Indented, it is more than %d times as long.", RENDERED_TIMES),
				 errhint("Ask for the digest of the bytes as they are: format stored.")));
	rendering->room -= n;
	digest_update(rendering->digest, bytes, n);
}
