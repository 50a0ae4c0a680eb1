using SelfRewarding.Contracts;

namespace SelfRewarding.Datasets;

/// <summary>
/// Layouts for a language model of ordinary size, after the method of Yuan et al. 2024 (arXiv 2401.10020): an additive rubric of five
/// points, a short justification before the score, and few-shot drafting of instructions. The wording is this project's own.
/// </summary>
public static class PaperFormat
{
    public const string Answer = "User: {prompt}\n\nAssistant: ";

    /// <summary>Asks for a justification and a last line <c>Score: 0</c> to <c>Score: 5</c>.</summary>
    public const string Judge = JudgeTask + "\n\nReasons: ";

    private const string JudgeTask =
        """
        Below are a user's request and an assistant's reply. Decide how good the reply is by adding up points. Begin at 0 and go through the five steps in order; each step that holds adds one point to those before it.


        """ + Rubric + """


        First give your reasons, in no more than 100 words. Then write the sum of the points on a last line of its own, in exactly this form:
        Score: <0..5>
        """;

    // The steps, and what they are about.
    private const string Rubric = Steps + """


        <request>
        {prompt}
        </request>
        <reply>
        {response}
        </reply>
        """;

    private const string Steps =
        """
        1. One point if the reply has anything to do with the request and tells the user something about it, however incomplete or mixed with other matter.
        2. Another point if it deals with a large part of what was asked, though the request is not settled by it or the reply strays from it.
        3. A third point if somebody with this request could work with the reply: the essentials are answered, whether or not it reads as if an assistant had written it for this user.
        4. A fourth point if it is plainly written by an assistant for this user, goes straight to the question, leaves nothing out that was asked, is well ordered and helpful, and could only be made a little clearer, shorter or more to the point.
        5. The fifth point if nothing in it could be bettered: it fits this user exactly, shows an expert's command of the subject, holds no needless word, and is a pleasure to read.
        """;

    /// <summary>Asks which of two judgements of a reply is the better one, for reasons and a last line <c>Winner: A</c> or <c>Winner: B</c>.</summary>
    public const string MetaJudge = MetaJudgeTask + "\n\nReasons: ";

    private const string MetaJudgeTask =
        """
        Below are a user's request, an assistant's reply, the rules by which the reply is given points, and two judgements that follow these rules, A and B. Decide which of the two judgements is the better one.

        The rules: begin at 0 and go through the five steps in order; each step that holds adds one point to those before it.


        """ + Rubric + """

        <judgement name="A">
        {first}
        </judgement>
        <judgement name="B">
        {second}
        </judgement>

        The better judgement is the one whose points the rules give this reply, and whose reasons are true of it, go through what matters and lead to its points. Neither the order of the two nor their length says anything.

        First give your reasons, in no more than 100 words. Then write your decision on a last line of its own, in exactly this form:
        Winner: <A or B>
        """;

    /// <summary>Shows tasks, eight by default, and lets the model write the next.</summary>
    public const string Draft = DraftTask + "<task>\n";

    private const string DraftTask =
        """
        Here are tasks that people have given to a writing assistant. Come up with a new task of your own: about something else than those shown, complete in itself, and such that it can be done by writing text alone.

        {examples}
        """;

    /// <summary>A task may have several lines, hence a mark at its end; <see cref="PromptFormat.ReadDraft"/> reads up to there.</summary>
    public const string DraftExample = "<task>\n{prompt}\n</task>\n\n";

    /// <summary>All four, for a model that goes on with a text.</summary>
    public static FormatSettings Settings { get; } = new() { Answer = Answer, Judge = Judge, Draft = Draft, DraftExample = DraftExample };

    /// <summary>The same for a model with a chat template: each is all that the user says, and the answer's turn begins behind it.</summary>
    public static FormatSettings ForChat { get; } = new()
    {
        Answer = "{prompt}",
        Judge = JudgeTask,
        Draft = DraftTask + "Write the new task in the same way, from <task> to </task>, and nothing else.",
        DraftExample = DraftExample,
    };

    /// <summary>What judgements are compared by where the other layouts are <see cref="ForChat"/>'s.</summary>
    public const string MetaJudgeForChat = MetaJudgeTask;
}
