using System.Text.Json;

namespace Allmende.Streams.Codecs;

/// <summary>Some calls of one codec for one municipality, from when they are asked for until all have an outcome. One lane at a time works on it.</summary>
sealed class CodecWork(string municipality, Codec codec, CodecOperation operation, IReadOnlyList<CodecCall> calls, bool isTrial, CancellationToken cancellation)
{
    readonly CodecOutcome?[] outcomes = new CodecOutcome?[calls.Count];
    readonly TaskCompletionSource<IReadOnlyList<CodecOutcome>> done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    int next;
    int suspect = -1;

    public string Municipality => municipality;
    public Codec Codec => codec;
    public CodecOperation Operation => operation;

    /// <summary>The calls may be none of the codec's: it is not held against it when it fails at them, and it fails but once.</summary>
    public bool IsTrial => isTrial;
    public Task<IReadOnlyList<CodecOutcome>> Done => done.Task;
    public int Waiting => outcomes.Length - next;

    /// <summary>True when nothing more is to be done, also because nobody waits any longer.</summary>
    public bool IsOver => done.Task.IsCompleted || (cancellation.IsCancellationRequested && done.TrySetCanceled(cancellation));

    /// <summary>The next calls, as JSON; a suspect goes alone.</summary>
    public List<string> Take(int most)
    {
        var count = suspect == next ? 1 : Math.Min(most, Waiting);
        var taken = new List<string>(count);
        for (var i = next; i < next + count; i++) taken.Add(calls[i].ToJson());
        return taken;
    }

    /// <summary>Takes the answer to the call at <paramref name="place"/>; a second one to the same call is passed over.</summary>
    /// <returns>True if the call was killed.</returns>
    public bool Answer(int place, string answer)
    {
        if (outcomes[place] is not null) return false;
        outcomes[place] = Read(answer);
        next = place + 1;
        return answer.StartsWith('K');
    }

    /// <summary>Place of the first call without an outcome.</summary>
    public int Next => next;

    /// <summary>
    /// The process died with the first open call. It may have died of something else, so the call gets a second chance, alone; then it is to blame.
    /// </summary>
    /// <returns>True if the call was blamed.</returns>
    public bool Died()
    {
        if (suspect != next)
        {
            suspect = next;
            return false;
        }
        outcomes[next++] = CodecOutcome.Failed(CodecFaults.Killed, "The codec ended the process that runs codecs, twice: it asks for far too much memory, or hangs.");
        return true;
    }

    /// <summary>All that is open gets the same outcome.</summary>
    public void FailRest(string type, string reason)
    {
        for (; next < outcomes.Length; next++) outcomes[next] ??= CodecOutcome.Failed(type, reason);
    }

    /// <summary>Gives up: it is the installation's fault.</summary>
    public void Abandon(Exception fault) => done.TrySetException(fault);

    /// <summary>Hands the outcomes over if all are there.</summary>
    public void CompleteIfDone()
    {
        if (next == outcomes.Length) done.TrySetResult(Array.ConvertAll(outcomes, outcome => outcome!.Value));
    }

    static CodecOutcome Read(string answer)
    {
        var text = answer[1..];
        switch (answer[0])
        {
            case 'R':
                try
                {
                    using var document = JsonDocument.Parse(text);
                    return new CodecOutcome(document.RootElement.Clone(), null);
                }
                catch (JsonException)
                {
                    return CodecOutcome.Failed(CodecFaults.NoData, "What the codec returned is nested too deeply.");
                }
            case 'N':
                return CodecOutcome.Failed(CodecFaults.LacksFunction, $"The codec defines no function {text}.");
            case 'K':
                return CodecOutcome.Failed(CodecFaults.Killed, $"The codec {text}.");
            default:
                return CodecOutcome.Failed(CodecFaults.Threw, text);
        }
    }
}
