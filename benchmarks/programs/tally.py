"""The short function of the conversion benchmark: 17 lines with most of what a loop can do."""


def tally(xs, limit, total):
    assert limit >= 0, "the limit is negative"
    for i in range(limit):
        if i % 2 == 1:
            continue
        for x in xs:
            if x > limit + 9:
                break
            total += x if x > 0 else -x
            if total > 1000:
                print("stopped at", i, x)
                return total
        total -= i
    if total % 7 == 3:
        total += 1
    total = (total * 2 - limit) % 997
    return total
