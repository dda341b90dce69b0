"""Dynamic programming: tables that are filled from their own earlier items."""


def edit_distance(left, right, row):
    for j in range(len(right) + 1):
        row[j] = j
    for i in range(len(left)):
        diagonal = row[0]
        row[0] = i + 1
        for j in range(len(right)):
            above = row[j + 1]
            if left[i] == right[j]:
                row[j + 1] = diagonal
            else:
                row[j + 1] = 1 + min(diagonal, above, row[j])
            diagonal = above
    return row[len(right)]


def floyd_warshall(distances):
    size = len(distances)
    for k in range(size):
        for i in range(size):
            for j in range(size):
                through = distances[i, k] + distances[k, j]
                if through < distances[i, j]:
                    distances[i, j] = through
    return distances


def matrix_chain(sizes, costs):
    count = len(sizes) - 1
    for length in range(2, count + 1):
        for i in range(count - length + 1):
            j = i + length - 1
            best = 1000000000
            for k in range(i, j):
                cost = costs[i, k] + costs[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1]
                if cost < best:
                    best = cost
            costs[i, j] = best
    return costs[0, count - 1]


def viterbi(observed, start, transition, emission, scores, back):
    states = len(start)
    for s in range(states):
        scores[0, s] = start[s] + emission[s, observed[0]]
    for t in range(1, len(observed)):
        for s in range(states):
            best = scores[t - 1, 0] + transition[0, s]
            origin = 0
            for r in range(1, states):
                score = scores[t - 1, r] + transition[r, s]
                if score > best:
                    best = score
                    origin = r
            scores[t, s] = best + emission[s, observed[t]]
            back[t, s] = origin
    last = len(observed) - 1
    state = 0
    for s in range(1, states):
        if scores[last, s] > scores[last, state]:
            state = s
    checksum = state
    for t in range(last, 0, -1):
        state = back[t, state]
        checksum = (checksum * 31 + state) % 1000003
    return checksum
