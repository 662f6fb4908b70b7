/*
 * credit_fuzz.c: whatever is spent, reserved, given back, bought and refunded in whatever
 * order, nothing is used that there is not, nothing is lost, and the bank is what its packs
 * hold.
 *
 * Each byte is a step; two more make its amount. A text that is read as seconds has its price.
 */
#include "allowance/credit_burn.h"
#include "fuzz.h"

#define PACKS 8

typedef struct Model
{
	CreditAccount account;
	CreditPack packs[PACKS];
	size_t npacks;
	CreditAmount held; /* of the one reservation that is open */
	int64_t price;
	bool open;
	bool same_week;
} Model;

static void
sound(const Model *m)
{
	const CreditAccount *a = &m->account;
	int64_t held = 0;

	PROMISE(0 <= a->weekly_used && a->weekly_used <= a->weekly_limit);
	PROMISE(0 <= a->bank_used && a->bank_used <= a->bank_limit);
	for (size_t i = 0; i < m->npacks; i++)
		held += m->packs[i].held;
	PROMISE(held == a->bank_limit);
	PROMISE(credit_available(a) == credit_left(a).weekly + credit_left(a).bank);
}

static void
settle(Model *m)
{
	int64_t taken;
	int64_t left = credit_left(&m->account).bank;

	PROMISE(credit_packs_settle(&m->account, m->packs, m->npacks, &taken));
	PROMISE(taken >= 0 && taken == left - credit_left(&m->account).bank);
	PROMISE(credit_packs_settle(&m->account, m->packs, m->npacks, &taken) && taken == 0);
}

static bool
spend(Model *m, int64_t price, CreditAmount *burnt)
{
	CreditAccount before = m->account;

	if (!credit_burn(&m->account, price, burnt))
	{
		PROMISE(price > credit_available(&before));
		PROMISE(memcmp(&before, &m->account, sizeof(before)) == 0);
		return false;
	}
	PROMISE(burnt->weekly + burnt->bank == price);
	PROMISE(burnt->bank == 0 || m->account.weekly_used == m->account.weekly_limit);
	return true;
}

static void
end(Model *m, int64_t price)
{
	CreditAmount back;

	credit_give_back(&m->account, m->held, price, m->same_week, &back);
	PROMISE(back.weekly >= 0 && back.weekly <= m->held.weekly);
	PROMISE(back.bank >= 0 && back.bank <= m->held.bank);
	PROMISE(!m->same_week || back.weekly + back.bank == m->price - price);
	m->open = false;
	settle(m);
}

static void
step(Model *m, unsigned what, int64_t amount)
{
	CreditAmount burnt;

	switch (what % 7)
	{
		case 0:
			spend(m, amount, &burnt);
			break;
		case 1:
			if (!m->open && spend(m, amount, &m->held))
			{
				m->open = m->same_week = true;
				m->price = amount;
			}
			break;
		case 2:
			if (m->open)
				end(m, amount <= m->price ? amount : m->price);
			break;
		case 3:
			credit_turn(&m->account, amount);
			m->same_week = false;
			break;
		case 4:
			credit_raise(&m->account, amount);
			PROMISE(m->account.weekly_limit >= amount);
			break;
		case 5:
			if (m->npacks < PACKS && amount > 0 && credit_bank_add(&m->account, amount))
				m->packs[m->npacks++] = (CreditPack){amount, 0, 0};
			break;
		case 6:
			if (m->npacks > 0)
			{
				CreditPack *pack = &m->packs[(size_t) amount % m->npacks];

				/* of an even amount a part, of an odd one all */
				pack->claimed = amount % 2 == 0 ? pack->held / 2 : pack->held;
				settle(m);
			}
			break;
	}
	sound(m);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Model model = {0};
	char *text = fuzz_copy(data, size);
	int64_t price;

	if (credit_price(text, size, &price))
		PROMISE(price >= 0 && size > 0 && text[0] >= '0' && text[0] <= '9');
	free(text);
	for (size_t i = 0; i + 2 < size; i += 3)
		step(&model, data[i], data[i + 1] * 256 + data[i + 2]);
	return 0;
}
