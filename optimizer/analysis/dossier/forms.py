"""The forms of three authorities as data: their fields, and the topic that answers each.

Fields are named by the number and the words of the form; what the law demands is not
interpreted here. A field without a topic is one that only a person can answer.

- `omb`: columns of the US inventory of automated decision tools of 2025; the practices are
  those of section 4(b) of the appendix to OMB Memorandum M-25-21.
- `atrs`: fields of the Algorithmic Transparency Recording Standard, version 2.1.
- `app`: the six principles of the NPCC Covenant for Using AI in Policing (28 September
  2023), to which the College of Policing's APP on data-driven technologies refers.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Topic(StrEnum):
    """What a statement is about."""

    NAME = "name"
    PURPOSE = "purpose"
    OUTPUTS = "outputs"
    MODEL = "model"
    DATA = "data"
    PEOPLE = "people"
    ALTERNATIVES = "alternatives"
    TESTING = "testing"
    IMPACTS = "impacts"
    REVIEW = "review"
    MONITORING = "monitoring"
    FALLBACK = "fallback"
    SHARING = "sharing"


@dataclass(frozen=True, slots=True)
class FormField:
    """A field of a form."""

    #: Name of its column in dossier.csv.
    column: str
    #: Number of the field, or of the clause that asks for it; empty where it has none.
    number: str
    #: What it asks.
    asks: str
    #: What answers it; none where only a person can.
    topics: tuple[Topic, ...] = ()


@dataclass(frozen=True, slots=True)
class Form:
    """A form of an authority."""

    #: What it is called, and where its fields stand.
    title: str
    #: In its own order.
    fields: tuple[FormField, ...]


OMB: Final = Form(
    "US inventory of automated decision tools, 2025 (OMB M-25-21)",
    (
        FormField("id", "", "Use case ID"),
        FormField("use_case_name", "", "Use case name", (Topic.NAME,)),
        FormField("agency_bureau", "", "Bureau or component"),
        FormField("contact_email", "", "Email address"),
        FormField("is_withheld", "", "Withheld from public reporting?"),
        FormField("development_stage", "", "Stage of development"),
        FormField("is_high_impact", "section 5", "High-impact?"),
        FormField("HI_justification", "section 5", "Why presumed high-impact and found not to be"),
        FormField("topic_area", "", "Topic area"),
        FormField("classification", "", "Classification"),
        FormField("problem_solved", "", "Problem to be solved", (Topic.PURPOSE,)),
        FormField("benefits", "", "Expected benefits", (Topic.ALTERNATIVES,)),
        FormField("system_outputs", "", "Outputs of the system", (Topic.OUTPUTS,)),
        FormField("operational_date", "", "In operation since"),
        FormField("contracting_usage", "", "Bought, or developed in-house?"),
        FormField("vendor_name", "", "Vendors"),
        FormField("have_ato", "", "Authorization to operate?"),
        FormField("system_name_ato", "", "Systems of the authorization"),
        FormField("data_description", "", "Data of training, tuning and evaluation", (Topic.DATA,)),
        FormField("link_to_data", "", "Link to public data"),
        FormField("has_pii", "", "Personally identifiable information?"),
        FormField("pia_url", "", "Link to the privacy impact assessment"),
        FormField("demographic_features", "", "Demographic variables", (Topic.PEOPLE,)),
        FormField("has_custom_code", "", "Custom-developed code?"),
        FormField("code_url", "", "Link to the source code"),
        FormField("hi_testing_conducted", "4(b)(i)", "Pre-deployment testing", (Topic.TESTING,)),
        FormField("hi_assessment_completed", "4(b)(ii)", "Impact assessment"),
        FormField("hi_potential_impacts", "4(b)(ii)", "Potential impacts", (Topic.IMPACTS,)),
        FormField("hi_independent_review", "4(b)(ii)", "Independent review", (Topic.REVIEW,)),
        FormField("hi_ongoing_monitoring", "4(b)(iii)", "Ongoing monitoring", (Topic.MONITORING,)),
        FormField("hi_training_established", "4(b)(iv)", "Training of operators"),
        FormField("hi_failsafe_presence", "4(b)(v)", "Fail-safe", (Topic.FALLBACK,)),
        FormField("hi_appeal_process", "4(b)(vi)", "Appeal"),
        FormField("hi_public_consultation", "4(b)(vii)", "Consultation"),
    ),
)

ATRS: Final = Form(
    "UK Algorithmic Transparency Recording Standard, version 2.1",
    (
        FormField("name", "1.1", "Name", (Topic.NAME,)),
        FormField("description", "1.2", "Description", (Topic.PURPOSE,)),
        FormField("website", "1.3", "URL of the website"),
        FormField("contact_email", "1.4", "Contact email"),
        FormField("organisation", "2.1.1", "Organisation or department"),
        FormField("team", "2.1.2", "Team"),
        FormField("senior_responsible_owner", "2.1.3", "Senior responsible owner"),
        FormField("external_supplier", "2.1.4", "External supplier"),
        FormField("detailed_description", "2.2.1", "Detailed description", (Topic.OUTPUTS,)),
        FormField("scope", "2.2.2", "Scope", (Topic.PURPOSE,)),
        FormField("benefit", "2.2.3", "Benefit", (Topic.ALTERNATIVES,)),
        FormField("previous_process", "2.2.4", "Previous process", (Topic.FALLBACK,)),
        FormField("alternatives", "2.2.5", "Alternatives considered", (Topic.ALTERNATIVES,)),
        FormField("process_integration", "2.3.1", "Process integration"),
        FormField("provided_information", "2.3.2", "Provided information", (Topic.OUTPUTS,)),
        FormField("frequency_and_scale", "2.3.3", "Frequency and scale of usage"),
        FormField("human_decisions", "2.3.4", "Human decisions and review", (Topic.REVIEW,)),
        FormField("required_training", "2.3.5", "Required training"),
        FormField("appeals_and_review", "2.3.6", "Appeals and review"),
        FormField("models", "2.4", "Tool specification: models", (Topic.MODEL,)),
        FormField("performance", "2.4", "Tool specification: performance", (Topic.TESTING,)),
        FormField("source_data", "2.4", "Tool specification: data", (Topic.DATA,)),
        FormField("sensitive_attributes", "2.4", "Tool specification: attributes", (Topic.PEOPLE,)),
        FormField("data_sharing", "2.4", "Tool specification: sharing", (Topic.SHARING,)),
        FormField("impact_assessment", "2.5.1", "Impact assessment"),
        FormField("risks", "2.5.2", "Risks and mitigations", (Topic.IMPACTS, Topic.MONITORING)),
    ),
)

APP: Final = Form(
    "NPCC Covenant for Using AI in Policing (2023), with the College of Policing's APP",
    (
        FormField("tool", "", "Tool", (Topic.NAME, Topic.PURPOSE)),
        FormField("owner", "", "Chief officer who answers for it"),
        FormField("lawful", "principle 1", "Lawful: legal basis and proportionality"),
        FormField(
            "transparent", "principle 2", "Transparent", (Topic.OUTPUTS, Topic.DATA, Topic.SHARING)
        ),
        FormField("explainable", "principle 3", "Explainable", (Topic.MODEL, Topic.ALTERNATIVES)),
        FormField("responsible", "principle 4", "Responsible", (Topic.PEOPLE, Topic.IMPACTS)),
        FormField("accountable", "principle 5", "Accountable", (Topic.REVIEW, Topic.MONITORING)),
        FormField("robust", "principle 6", "Robust", (Topic.TESTING, Topic.FALLBACK)),
        FormField("ethics_committee", "", "Advice of the ethics committee"),
        FormField("training", "", "Training of officers and staff"),
        FormField("complaints", "", "Complaints and escalation"),
    ),
)

FORMS: Final = {"omb": OMB, "atrs": ATRS, "app": APP}
"""By the word that `--form` takes."""
