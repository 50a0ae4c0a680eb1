using SelfRewarding.Contracts;
using SelfRewarding.Datasets;
using SelfRewarding.Model;

namespace SelfRewarding.Control.Settings;

/// <summary>
/// What a model's chat template means for the settings: it is recorded by its name, and the paper's layouts, which write out who speaks, give way to those for a chat. A
/// layout of one's own stays.
/// </summary>
public static class ChatSettings
{
    /// <summary>The settings with the template of the model's folder, where that has one and none was named.</summary>
    /// <exception cref="SettingsException">The folder's template is not known, or its file cannot be read.</exception>
    public static RunSettings Resolve(RunSettings settings)
    {
        if (settings.Model is { ChatTemplate: null, Path: { } folder })
        {
            // Plain stays unsaid: that is what a run recorded before there were templates.
            var found = NameIn(folder);
            settings = settings with { Model = settings.Model with { ChatTemplate = found == ChatTemplate.Plain ? null : found } };
        }

        return settings.Model.ChatTemplate is null or ChatTemplate.Plain ? settings : settings with { Format = ForChat(settings.Format) };
    }

    private static FormatSettings ForChat(FormatSettings format)
    {
        var (goesOn, chat) = (PaperFormat.Settings, PaperFormat.ForChat);
        return format with
        {
            Answer = format.Answer == goesOn.Answer ? chat.Answer : format.Answer,
            Judge = format.Judge == goesOn.Judge ? chat.Judge : format.Judge,
            Draft = format.Draft == goesOn.Draft ? chat.Draft : format.Draft,
        };
    }

    private static string NameIn(string folder)
    {
        try
        {
            return ChatTemplateSource.NameIn(folder);
        }
        catch (CheckpointException e)
        {
            throw new SettingsException([e.Message]);
        }
    }
}
